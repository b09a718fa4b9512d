import { isSilent, type Line, printLine } from '../line.ts'
import type { Step } from '../steps.ts'
import { type HeardReply, repliesOf } from './reply-reader.ts'

/** What a transcript says that a server does in a step, as far as a client can see it. */
export interface Expectation {
  readonly replies: readonly HeardReply[]
  /** Replies that may come or not: a server that waits for a handshake need not say anything. */
  readonly optional: readonly HeardReply[]
  readonly mayStayMute: boolean
  /** There may be more replies than there should: a part of a line, or one of several, was taken for a command. */
  readonly mayGetMore: boolean
  readonly closes: boolean
  /** The line that the replies belong to. */
  readonly after: string
}

/** What is expected of a step. @param last the step before it */
export function expectationOf(step: Step, last: Step | undefined): Expectation {
  const upgrade = step.outcome.findIndex(isUpgrade)
  const awaitsHandshake = step.cue.type === 'chunk' && last?.outcome.some(isUpgrade) === true
  const certain = awaitsHandshake ? [] : upgrade === -1 ? step.outcome : step.outcome.slice(0, upgrade)
  const uncertain = awaitsHandshake ? step.outcome : upgrade === -1 ? [] : step.outcome.slice(upgrade)
  const replies = repliesOf(certain.flatMap(textsOfReply))
  const optional = repliesOf(uncertain.flatMap(textsOfReply))
  return {
    replies,
    optional,
    mayStayMute: awaitsHandshake || optional.length > 0,
    mayGetMore: replies.length === 0 || hasSeveralLines(step),
    closes: certain.some(line => line.type === 'notice' && line.name === 'close'),
    after: cueOf(step, last),
  }
}

/** How long a `* silence` line says. */
export function silenceMs(text: string): number {
  const [, count, unit] = /(\d+)([sm])$/.exec(text) ?? []
  return Number(count) * (unit === 'm' ? 60_000 : 1000)
}

function hasSeveralLines({ cue }: Step): boolean {
  return cue.type === 'chunk' && cue.bytes.subarray(0, -2).some(byte => byte === 0x0d || byte === 0x0a)
}

function isUpgrade(line: Line): boolean {
  return line.type === 'notice' && line.name === 'upgrade'
}

function textsOfReply(line: Line): string[] {
  return line.type === 'reply' ? [line.text] : []
}

/** What a line shows of a login stays out of reports: it may be somebody's. */
function cueOf(step: Step, last: Step | undefined): string {
  const lines = step.lead.filter(line => !isSilent(line)).map(printLine)
  const login = lines.find(line => authLine.test(line))
  if (login !== undefined)
    return login.replace(authLine, (_, head, rest) => head + (rest === '' ? '' : ' ...'))
  const challenged = last?.outcome.findLast(line => line.type === 'reply')?.text.startsWith('334')
  if (challenged && step.cue.type === 'chunk') return 'C: ... (a response to a challenge)'
  return lines.at(-1) ?? 'the connection'
}

/** AUTH and its mechanism, and what else stands there; in a `~` line white space may be written out. */
const authLine = /^(C[:~](?: |\\t)*AUTH(?: +[\w-]+)?(?=$| |\\[rnt]))(?:\\r\\n)?(.*)$/i
