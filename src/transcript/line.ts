import type { Reply } from '../protocol/index.ts'
import { printBytes } from './bytes.ts'

/** One line of a transcript's body. `text` is the line as the author wrote it, for lines that are kept verbatim. */
export type Line =
  /** `C:`, `C~`: bytes that the client sends. */
  | { readonly type: 'client'; readonly bytes: Buffer; readonly text: string }
  /** `|`: ends one chunk of client bytes and starts the next. */
  | { readonly type: 'split' }
  | DriverEvent
  /** `!`: the host's answer to the question on the line above. */
  | { readonly type: 'answer'; readonly reply: Reply; readonly text: string }
  /** `S:`: one line of a reply. */
  | { readonly type: 'reply'; readonly text: string }
  /** `?`: the session asks the host. */
  | { readonly type: 'question'; readonly about: QuestionType; readonly text: string }
  /** `M:`, `M~`: message content that the session passes to the host. */
  | { readonly type: 'content'; readonly bytes: Buffer }
  /** `>`: an action that the session requests from the driver. */
  | { readonly type: 'action'; readonly name: ActionName }
  /** `#`: a comment of the author. */
  | { readonly type: 'remark'; readonly text: string }
  /** An empty line. */
  | { readonly type: 'blank' }

/** `*`: an event that the driver reports to the session, as opposed to bytes of the client. */
export type DriverEvent =
  /** `* silence 5m`: the client sends nothing for this time. */
  | { readonly type: 'silence'; readonly text: string }
  /** TLS is established; the client disconnects; the server drains; the server aborts the connection. */
  | { readonly type: 'secured' | 'hangs up' | 'shuts down' | 'cuts off' }

/** The type of a question to the host, as in the engine's `Question`. */
export type QuestionType = (typeof questionTypes)[number]

/** All types of questions. */
export const questionTypes = ['connect', 'login', 'sender', 'recipient', 'message', 'delivery'] as const

/** An action that has a `>` line. Content is also an action, but has `M` lines. */
export type ActionName = (typeof actionNames)[number]

/** All actions that have a `>` line. */
export const actionNames = ['upgrade', 'discard', 'pause', 'close'] as const

/** Returns true for lines of the server. Playing a transcript replaces them. */
export function isServerLine(line: Line): boolean {
  return ['reply', 'question', 'content', 'action'].includes(line.type)
}

/** Returns true for an event that the driver reports. */
export function isDriverEvent(line: Line): line is DriverEvent {
  return ['secured', 'silence', 'hangs up', 'shuts down', 'cuts off'].includes(line.type)
}

/** Returns true for lines that runners ignore: comments and blank lines. */
export function isIgnored(line: Line): boolean {
  return line.type === 'remark' || line.type === 'blank'
}

/** Returns the line as it is written in a file, without the line ending. */
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
    case 'action':
      return `> ${line.name}`
    case 'content':
      return printContent(line.bytes)
    case 'blank':
      return ''
  }
}

/** Printable ASCII without trailing spaces, which editors remove, and without long repeats. */
const plainTextLine = /^(?:(?!.*(.)\1{19})[\x20-\x7e]*[\x21-\x7e])?\r\n$/

/** Returns true for bytes that can be written verbatim after `C:` or `M:`. All others need the escapes of `~`. */
export function isPlainText(bytes: Buffer): boolean {
  return plainTextLine.test(bytes.toString('latin1'))
}

function printContent(bytes: Buffer): string {
  return isPlainText(bytes) ? `M: ${bytes.toString('latin1')}`.trimEnd() : `M~ ${printBytes(bytes)}`
}
