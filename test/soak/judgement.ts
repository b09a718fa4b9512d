import type { Attempt, Call, Entry, Terms } from './record.ts'

/** Something that must not be. */
export interface Finding {
  /**
   * `lost`: the client heard yes, and a recipient does not have the mail; `early`: it got it after the yes only;
   * `duplicated`: a recipient has it more than once, and nothing excuses that; `spoiled`: what was sent on is not what
   * the client said; `stray`: a call for no mail; `unfinished`: sent on although the client had not said all of it;
   * `unanswered`: the client said all and heard nothing, although nothing happened to the program; `refused`: 5xx
   * although the service refused nothing for good; `unsettled`: no answer for good until the end; `program`: it ended
   * or spoke otherwise than it should.
   */
  readonly type:
    | 'lost'
    | 'early'
    | 'duplicated'
    | 'spoiled'
    | 'stray'
    | 'unfinished'
    | 'unanswered'
    | 'refused'
    | 'unsettled'
    | 'program'
  /** That of the mail, if it is about one. */
  readonly number?: number | undefined
  readonly text: string
  /** What happened to the mail, a line each. */
  readonly timeline?: readonly string[]
}

/** What is thought of one mail. */
export interface Judgement {
  readonly findings: readonly Finding[]
  /** Repeated recipients that SMTP cannot avoid, by reason (RFC 5321 section 4.1.1.4, RFC 1047). */
  readonly ambiguous: ReadonlyMap<string, number>
}

/** SES takes so many recipients in one call; a mail for more may be delivered in part. */
const perCall = 50

/** Judges a mail when nothing more comes of it. */
export function judge(entry: Entry, terms: Terms): Judgement {
  const { plan, attempts, calls, settled, untakenAtYes } = entry
  const { number } = plan
  const findings: Omit<Finding, 'timeline'>[] = [...entry.oddities]
  const ambiguous = new Map<string, number>()
  const find = (type: Finding['type'], text: string) => findings.push({ type, number, text })

  // In the order of the attempts: what a client has left behind may come after what it has tried again.
  const taken = calls.filter(call => call.taken).sort((a, b) => order(entry, a) - order(entry, b))
  const takes = plan.recipients.map((_, nth) => taken.filter(call => call.recipients.includes(nth)))
  const never = untakenAtYes.filter(nth => takes[nth]!.length === 0)
  if (never.length > 0) find('lost', `answered 250, and not taken for ${named(entry, never)}`)
  const late = untakenAtYes.length - never.length
  if (late > 0) find('early', `answered 250 before it was taken for ${late} of its recipients`)

  const unexcused: number[] = []
  for (const [nth, all] of takes.entries()) {
    for (const [n, next] of all.entries()) {
      if (n === 0) continue
      const reason = excuse(entry, all[n - 1]!, next, terms)
      if (reason === undefined) unexcused.push(nth)
      else ambiguous.set(reason, (ambiguous.get(reason) ?? 0) + 1)
    }
  }
  if (unexcused.length > 0) find('duplicated', `sent again to ${named(entry, [...new Set(unexcused)])}`)

  for (const attempt of attempts) {
    const own = calls.filter(call => call.attempt === attempt)
    if (!attempt.finished && own.length > 0) find('unfinished', 'sent on before the client had said all')
    const { ending } = attempt
    if (
      attempt.finished &&
      (ending?.type === 'silence' || (ending?.type === 'broken' && !wasKilled(attempt)))
    ) {
      find('unanswered', `said all and heard nothing: ${ending.type}`)
    }
    if (ending?.type === 'reply' && ending.code >= 500 && !own.some(({ rejected }) => rejected)) {
      find('refused', `heard ${ending.code} without a cause`)
    }
  }
  if (calls.some(({ attempt }) => attempt === undefined)) find('stray', 'a call that no attempt explains')
  if (settled === undefined) find('unsettled', 'not settled until the end')
  if (findings.length === 0) return { findings, ambiguous }
  const timeline = timelineOf(entry)
  return { findings: findings.map(finding => ({ ...finding, timeline })), ambiguous }
}

/** Why a recipient got a mail with `next` that it had with `first` already; `undefined` if that should not have been. */
function excuse({ plan }: Entry, first: Call, next: Call, { workers, drainMs }: Terms): string | undefined {
  const { attempt } = first
  // Whatever the program knew: on its own it must not send again what may have been taken.
  if (attempt === undefined || next.attempt === undefined || next.attempt === attempt) return undefined
  const { ending, endedAt = Number.NaN, life } = attempt
  switch (ending?.type) {
    case 'left':
      return 'the client left before the reply'
    case 'broken':
      return wasKilled(attempt) ? 'the program was killed before the reply' : undefined
    case 'reply': {
      if (ending.code < 400 || ending.code >= 500) return undefined
      if (first.answer === 'lost') return `the service's answer was lost: ${first.how}`
      const draining = life.stoppedAt !== undefined && endedAt - life.stoppedAt >= 0.9 * drainMs
      if (ending.code === 421 && draining) return 'the time to drain was over before the reply'
      if (plan.recipients.length <= perCall) return undefined
      if (next.attempt.life !== life)
        return 'delivered in part, and the memory of that ended with the program'
      return workers > 1 ? 'delivered in part, and another worker remembers that' : undefined
    }
    default:
      return undefined
  }
}

function order({ attempts }: Entry, { attempt }: Call): number {
  return attempt === undefined ? attempts.length : attempts.indexOf(attempt)
}

/** It was, while the attempt went on. */
function wasKilled({ life, begunAt, endedAt = Number.NaN }: Attempt): boolean {
  return life.kills.some(at => begunAt <= at && at <= endedAt)
}

function named({ plan }: Entry, places: readonly number[]): string {
  const names = places.slice(0, 3).map(nth => plan.recipients[nth])
  return places.length > 3 ? `${names.join(', ')} and ${places.length - 3} more` : names.join(', ')
}

function timelineOf({ plan, attempts, calls }: Entry): readonly string[] {
  const events: { readonly at: number; readonly text: string }[] = []
  for (const [n, attempt] of attempts.entries()) {
    const { begunAt, endedAt, ending, life, connection, finished } = attempt
    const who = `attempt ${n + 1}`
    events.push({ at: begunAt, text: `${who} begins on ${connection}, start ${life.number} of the program` })
    if (ending === undefined) continue
    const how = ending.type === 'reply' ? ending.text : ending.type
    events.push({ at: endedAt!, text: `${who} ends, ${finished ? 'all' : 'not all'} was said: ${how}` })
    if (life.stoppedAt !== undefined)
      events.push({ at: life.stoppedAt, text: `start ${life.number}: SIGTERM` })
    for (const at of life.kills) events.push({ at, text: `start ${life.number}: SIGKILL` })
  }
  for (const { attempt, at, recipients, taken, how, answer } of calls) {
    const of = attempt === undefined ? 'no attempt' : `attempt ${attempts.indexOf(attempt) + 1}`
    const to = recipients.length === 1 ? `r${recipients[0]}` : `${recipients.length} from r${recipients[0]}`
    events.push({
      at,
      text: `a call of ${of} for ${to}: ${taken ? 'taken' : 'not taken'} (${how}), answer ${answer}`,
    })
  }
  const begun = attempts[0]?.begunAt ?? 0
  const lines = events
    .sort((a, b) => a.at - b.at)
    .map(({ at, text }) => `${((at - begun) / 1000).toFixed(3).padStart(9)} s  ${text}`)
  return [`${plan.recipients.length} recipients, ${plan.size} bytes`, ...new Set(lines)]
}
