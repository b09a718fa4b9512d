import type { Attempt, Call, Entry, LedgerSettings } from './ledger-entry.ts'

/** Something that must not happen. */
export interface Finding {
  /**
   * `lost`: the client got 250, but the message did not reach a recipient; `early`: the client got 250 before the
   * service accepted the message; `duplicated`: a recipient got the message twice without an unavoidable reason;
   * `altered`: the message was changed; `stray`: a call that belongs to no message; `incomplete`: an incomplete message
   * was sent; `unanswered`: the client sent the complete message and got no reply, although the program was not killed;
   * `rejected`: 5xx although the service rejected nothing; `unsettled`: no final reply until the end; `program`: the
   * program ended or printed something unexpected.
   */
  readonly type:
    | 'lost'
    | 'early'
    | 'duplicated'
    | 'altered'
    | 'stray'
    | 'incomplete'
    | 'unanswered'
    | 'rejected'
    | 'unsettled'
    | 'program'
  /** The number of the message, if it is about one. */
  readonly number?: number | undefined
  readonly text: string
  /** The history of the message, one line for each event. */
  readonly timeline?: readonly string[]
}

/** The result of the checks of one message. */
export interface EntryResult {
  readonly findings: readonly Finding[]
  /** Recipients with a duplicate that SMTP cannot avoid, by reason (RFC 5321 section 4.1.1.4, RFC 1047). */
  readonly unavoidableDuplicates: ReadonlyMap<string, number>
}

/** Limit of SES. A message for more recipients needs several calls, and may be delivered partially. */
const maxRecipientsPerCall = 50

/** Checks the entry of a message after its last event. */
export function checkEntry(entry: Entry, settings: LedgerSettings): EntryResult {
  const { plan, attempts, calls, settled, missingAtReply } = entry
  const { number } = plan
  const findings: Omit<Finding, 'timeline'>[] = [...entry.anomalies]
  const unavoidableDuplicates = new Map<string, number>()
  const addFinding = (type: Finding['type'], text: string) => findings.push({ type, number, text })

  // In the order of the attempts: a call of an abandoned attempt may arrive after a call of the next attempt.
  const accepted = calls.filter(call => call.accepted).sort((a, b) => order(entry, a) - order(entry, b))
  const acceptedCalls = plan.recipients.map((_, nth) =>
    accepted.filter(call => call.recipients.includes(nth)),
  )
  const lost = missingAtReply.filter(nth => acceptedCalls[nth]!.length === 0)
  if (lost.length > 0) addFinding('lost', `answered 250, but not accepted for ${named(entry, lost)}`)
  const early = missingAtReply.length - lost.length
  if (early > 0) addFinding('early', `answered 250 before it was accepted for ${early} of its recipients`)

  const duplicates: number[] = []
  for (const [nth, all] of acceptedCalls.entries()) {
    for (const [n, next] of all.entries()) {
      if (n === 0) continue
      const reason = unavoidableReason(entry, all[n - 1]!, next, settings)
      if (reason === undefined) duplicates.push(nth)
      else unavoidableDuplicates.set(reason, (unavoidableDuplicates.get(reason) ?? 0) + 1)
    }
  }
  if (duplicates.length > 0)
    addFinding('duplicated', `sent again to ${named(entry, [...new Set(duplicates)])}`)

  for (const attempt of attempts) {
    const own = calls.filter(call => call.attempt === attempt)
    if (!attempt.complete && own.length > 0)
      addFinding('incomplete', 'sent although the client had not sent all of it')
    const { ending } = attempt
    if (
      attempt.complete &&
      (ending?.type === 'timeout' || (ending?.type === 'broken' && !wasKilled(attempt)))
    ) {
      addFinding('unanswered', `complete, but without a reply: ${ending.type}`)
    }
    if (ending?.type === 'reply' && ending.code >= 500 && !own.some(({ rejected }) => rejected)) {
      addFinding('rejected', `got ${ending.code} without a reason`)
    }
  }
  if (calls.some(({ attempt }) => attempt === undefined))
    addFinding('stray', 'a call that belongs to no attempt')
  if (settled === undefined) addFinding('unsettled', 'no final reply until the end')
  if (findings.length === 0) return { findings, unavoidableDuplicates }
  const timeline = timelineOf(entry)
  return { findings: findings.map(finding => ({ ...finding, timeline })), unavoidableDuplicates }
}

/** Returns why SMTP cannot avoid that a recipient of `first` also got `next`, or undefined if it can. */
function unavoidableReason(
  { plan }: Entry,
  first: Call,
  next: Call,
  { workers, drainMs }: LedgerSettings,
): string | undefined {
  const { attempt } = first
  // Within one attempt, the program must not resend what the service may have accepted, whatever the answer was.
  if (attempt === undefined || next.attempt === undefined || next.attempt === attempt) return undefined
  const { ending, endedAt = Number.NaN, processRun } = attempt
  switch (ending?.type) {
    case 'disconnected':
      return 'the client disconnected before the reply'
    case 'broken':
      return wasKilled(attempt) ? 'the program was killed before the reply' : undefined
    case 'reply': {
      if (ending.code < 400 || ending.code >= 500) return undefined
      if (first.answer === 'lost') return `the service's answer was lost: ${first.how}`
      const draining = processRun.stoppedAt !== undefined && endedAt - processRun.stoppedAt >= 0.9 * drainMs
      if (ending.code === 421 && draining) return 'the drain timeout ended before the reply'
      if (plan.recipients.length <= maxRecipientsPerCall) return undefined
      if (next.attempt.processRun !== processRun) return 'delivered partially, and the program was restarted'
      return workers > 1 ? 'delivered partially, and retried with another worker' : undefined
    }
    default:
      return undefined
  }
}

function order({ attempts }: Entry, { attempt }: Call): number {
  return attempt === undefined ? attempts.length : attempts.indexOf(attempt)
}

/** Returns true if the program was killed during the attempt. */
function wasKilled({ processRun, begunAt, endedAt = Number.NaN }: Attempt): boolean {
  return processRun.kills.some(at => begunAt <= at && at <= endedAt)
}

function named({ plan }: Entry, positions: readonly number[]): string {
  const names = positions.slice(0, 3).map(nth => plan.recipients[nth])
  return positions.length > 3 ? `${names.join(', ')} and ${positions.length - 3} more` : names.join(', ')
}

function timelineOf({ plan, attempts, calls }: Entry): readonly string[] {
  const events: { readonly at: number; readonly text: string }[] = []
  for (const [n, attempt] of attempts.entries()) {
    const { begunAt, endedAt, ending, processRun, connection, complete } = attempt
    const label = `attempt ${n + 1}`
    events.push({
      at: begunAt,
      text: `${label} begins on ${connection}, start ${processRun.number} of the program`,
    })
    if (ending === undefined) continue
    const how = ending.type === 'reply' ? ending.text : ending.type
    events.push({ at: endedAt!, text: `${label} ends, ${complete ? 'complete' : 'incomplete'}: ${how}` })
    if (processRun.stoppedAt !== undefined)
      events.push({ at: processRun.stoppedAt, text: `start ${processRun.number}: SIGTERM` })
    for (const at of processRun.kills) events.push({ at, text: `start ${processRun.number}: SIGKILL` })
  }
  for (const { attempt, at, recipients, accepted, how, answer } of calls) {
    const of = attempt === undefined ? 'no attempt' : `attempt ${attempts.indexOf(attempt) + 1}`
    const to = recipients.length === 1 ? `r${recipients[0]}` : `${recipients.length} from r${recipients[0]}`
    events.push({
      at,
      text: `a call of ${of} for ${to}: ${accepted ? 'accepted' : 'not accepted'} (${how}), answer ${answer}`,
    })
  }
  const begun = attempts[0]?.begunAt ?? 0
  const lines = events
    .sort((a, b) => a.at - b.at)
    .map(({ at, text }) => `${((at - begun) / 1000).toFixed(3).padStart(9)} s  ${text}`)
  return [`${plan.recipients.length} recipients, ${plan.size} bytes`, ...new Set(lines)]
}
