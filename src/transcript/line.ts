import type { Reply } from '../protocol/index.ts'
import { printBytes } from './bytes.ts'

/** One line of a transcript's body. `text` is what stands in the file, where the author's own words are kept. */
export type Line =
  /** `C:`, `C~`: bytes of the client. */
  | { readonly type: 'client'; readonly bytes: Buffer; readonly text: string }
  /** `|`: one chunk ends, and the next one begins. */
  | { readonly type: 'split' }
  | Happening
  /** `!`: what the host answers to the question above. */
  | { readonly type: 'answer'; readonly reply: Reply; readonly text: string }
  /** `S:`: one line of a reply. */
  | { readonly type: 'reply'; readonly text: string }
  /** `?`: the host is asked. */
  | { readonly type: 'question'; readonly about: QuestionType; readonly text: string }
  /** `M:`, `M~`: content for the host. */
  | { readonly type: 'content'; readonly bytes: Buffer }
  /** `>`: something that the driver does. */
  | { readonly type: 'notice'; readonly name: ActionName }
  /** `#`: the author's, for people. */
  | { readonly type: 'remark'; readonly text: string }
  /** Nothing. */
  | { readonly type: 'blank' }

/** What happens around the dialogue, as its line says it. */
export type Happening =
  /** `* silence 5m`: the client says nothing for so long. */
  | { readonly type: 'silence'; readonly text: string }
  /** TLS is up; the client goes; the server wants to go; the server goes. */
  | { readonly type: 'secured' | 'hangs up' | 'shuts down' | 'cuts off' }

/** What a question is about, as in the protocol's `Question`. */
export type QuestionType = (typeof questionTypes)[number]

/** Every type of question. */
export const questionTypes = ['connect', 'login', 'sender', 'recipient', 'message', 'delivery'] as const

/** A notice that has a line of its own; content has `M` lines. */
export type ActionName = (typeof actionNames)[number]

/** Every notice that has a line of its own. */
export const actionNames = ['upgrade', 'discard', 'pause', 'close'] as const

/** True for what the server does; it is written anew whenever a transcript is played. */
export function isServers(line: Line): boolean {
  return ['reply', 'question', 'content', 'notice'].includes(line.type)
}

/** True for what happens around the dialogue. */
export function isHappening(line: Line): line is Happening {
  return ['secured', 'silence', 'hangs up', 'shuts down', 'cuts off'].includes(line.type)
}

/** True for lines that mean nothing to a player. */
export function isSilent(line: Line): boolean {
  return line.type === 'remark' || line.type === 'blank'
}

/** A line as it stands in a file, without the line end. */
export function printLine(line: Line): string {
  switch (line.type) {
    case 'client':
    case 'silence':
    case 'answer':
    case 'remark':
    case 'question':
      return line.text
    case 'split':
      return '|'
    case 'secured':
    case 'hangs up':
    case 'shuts down':
    case 'cuts off':
      return `* ${line.type}`
    case 'reply':
      return `S: ${line.text}`
    case 'notice':
      return `> ${line.name}`
    case 'content':
      return printContent(line.bytes)
    case 'blank':
      return ''
  }
}

/** Printable ASCII that nobody drops as white space at the end of a line, and that has no long repeats. */
const plainLine = /^(?:(?!.*(.)\1{19})[\x20-\x7e]*[\x21-\x7e])?\r\n$/

/** True for bytes that stand behind `C:` or `M:` as they are; all others need `~`. */
export function isPlain(bytes: Buffer): boolean {
  return plainLine.test(bytes.toString('latin1'))
}

function printContent(bytes: Buffer): string {
  return isPlain(bytes) ? `M: ${bytes.toString('latin1')}`.trimEnd() : `M~ ${printBytes(bytes)}`
}
