import { isIgnored, type Line, printLine } from '../line.ts'
import type { TranscriptStep } from '../steps.ts'
import { type ParsedReply, repliesOf } from './reply-reader.ts'

/** What a client should see of the server in one step of a transcript. */
export interface Expectation {
  readonly replies: readonly ParsedReply[]
  /** Replies that may be missing: a server that waits for a TLS handshake need not reply. */
  readonly optional: readonly ParsedReply[]
  readonly mayBeSilent: boolean
  /** There may be more replies than expected: the server may treat a part of a line, or one of several, as a command. */
  readonly mayHaveExtraReplies: boolean
  readonly closes: boolean
  /** The line that the replies answer. */
  readonly after: string
}

/**
 * Returns what is expected of a step.
 *
 * @param previous the step before it
 */
export function expectationOf(step: TranscriptStep, previous: TranscriptStep | undefined): Expectation {
  const upgrade = step.serverLines.findIndex(isUpgrade)
  const awaitsHandshake = step.trigger.type === 'chunk' && previous?.serverLines.some(isUpgrade) === true
  const required = awaitsHandshake
    ? []
    : upgrade === -1
      ? step.serverLines
      : step.serverLines.slice(0, upgrade)
  const uncertainLines = awaitsHandshake
    ? step.serverLines
    : upgrade === -1
      ? []
      : step.serverLines.slice(upgrade)
  const replies = repliesOf(required.flatMap(textsOfReply))
  const optional = repliesOf(uncertainLines.flatMap(textsOfReply))
  return {
    replies,
    optional,
    mayBeSilent: awaitsHandshake || optional.length > 0,
    mayHaveExtraReplies: replies.length === 0 || hasSeveralLines(step),
    closes: required.some(line => line.type === 'action' && line.name === 'close'),
    after: describeTrigger(step, previous),
  }
}

/** Returns the milliseconds of a `* silence` line. */
export function silenceMs(text: string): number {
  const [, count, unit] = /(\d+)([sm])$/.exec(text) ?? []
  return Number(count) * (unit === 'm' ? 60_000 : 1000)
}

function hasSeveralLines({ trigger }: TranscriptStep): boolean {
  return (
    trigger.type === 'chunk' && trigger.bytes.subarray(0, -2).some(byte => byte === 0x0d || byte === 0x0a)
  )
}

function isUpgrade(line: Line): boolean {
  return line.type === 'action' && line.name === 'upgrade'
}

function textsOfReply(line: Line): string[] {
  return line.type === 'reply' ? [line.text] : []
}

/** Returns the last line of a trigger for reports, without credentials: they may be real. */
function describeTrigger(step: TranscriptStep, previous: TranscriptStep | undefined): string {
  const lines = step.triggerLines.filter(line => !isIgnored(line)).map(printLine)
  const login = lines.find(line => authLine.test(line))
  if (login !== undefined)
    return login.replace(authLine, (_, head, rest) => head + (rest === '' ? '' : ' ...'))
  const challenged = previous?.serverLines.findLast(line => line.type === 'reply')?.text.startsWith('334')
  if (challenged && step.trigger.type === 'chunk') return 'C: ... (a response to a challenge)'
  return lines.at(-1) ?? 'the connection'
}

/** AUTH and its mechanism, and the rest of the line. In a `~` line, white space may be written as an escape. */
const authLine = /^(C[:~](?: |\\t)*AUTH(?: +[\w-]+)?(?=$| |\\[rnt]))(?:\\r\\n)?(.*)$/i
