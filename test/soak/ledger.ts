import { checkEntry, type EntryResult, type Finding } from './checks.ts'
import type { Attempt, Call, Ending, Entry, LedgerSettings, ProcessRun } from './ledger-entry.ts'
import { digestOf, type PlannedMessage, readRecipient } from './messages.ts'

/** Totals of a soak. */
export interface Totals {
  messages: number
  accepted: number
  rejected: number
  attempts: number
  retries: number
  recipients: number
  /** Recipients with a duplicate that SMTP cannot avoid, by reason. */
  readonly unavoidableDuplicates: Map<string, number>
  slowest: { readonly number: number; readonly ms: number }
}

/** How long an entry stays open after its client has a final reply, because a call may still arrive. */
const lingerMs = 60_000
/** Number of findings of a type that are kept with their text. */
const maxFindings = 20

/**
 * The ledger of a soak. For each message it records the replies that its client got and the calls that the service
 * accepted. At the end both must agree: no message is lost, and none is delivered twice without a reason.
 */
export class Ledger {
  readonly totals: Totals = {
    messages: 0,
    accepted: 0,
    rejected: 0,
    attempts: 0,
    retries: 0,
    recipients: 0,
    unavoidableDuplicates: new Map(),
    slowest: { number: 0, ms: 0 },
  }
  readonly findings: Finding[] = []
  /** Number of findings by type, including those without text. */
  readonly counts = new Map<Finding['type'], number>()
  readonly #settings: LedgerSettings
  readonly #open = new Map<number, Entry>()
  /** Entries with a final reply, in that order. */
  #settled: Entry[] = []

  constructor(settings: LedgerSettings) {
    this.#settings = settings
  }

  /** Number of messages without a final reply. */
  get unsettled(): number {
    return this.#open.size - this.#settled.length
  }

  add(plan: PlannedMessage, content: Buffer): Entry {
    const entry: Entry = {
      plan,
      digest: digestOf(content),
      attempts: [],
      calls: [],
      missingAtReply: [],
      anomalies: [],
    }
    this.#open.set(plan.number, entry)
    this.totals.messages++
    this.totals.recipients += plan.recipients.length
    return entry
  }

  /** Records that a client starts to send a message. */
  startAttempt(entry: Entry, connection: string, processRun: ProcessRun): Attempt {
    const attempt: Attempt = { connection, processRun, begunAt: performance.now(), complete: false }
    entry.attempts.push(attempt)
    this.totals.attempts++
    if (entry.attempts.length > 1) this.totals.retries++
    return attempt
  }

  /** Records the end of an attempt. Returns true if the client has a final reply. */
  endAttempt(entry: Entry, attempt: Attempt, ending: Ending): boolean {
    attempt.ending = ending
    attempt.endedAt = performance.now()
    if (ending.type !== 'reply' || (ending.code >= 400 && ending.code < 500)) return false
    entry.settled = ending.code < 400 ? 'accepted' : 'rejected'
    entry.settledAt = attempt.endedAt
    this.totals[entry.settled]++
    if (entry.settled === 'accepted') {
      const delivered = new Set(entry.calls.flatMap(call => (call.accepted ? call.recipients : [])))
      entry.missingAtReply = entry.plan.recipients.map((_, nth) => nth).filter(nth => !delivered.has(nth))
    }
    const ms = Math.round(attempt.endedAt - entry.attempts[0]!.begunAt)
    if (ms > this.totals.slowest.ms) this.totals.slowest = { number: entry.plan.number, ms }
    this.#settled.push(entry)
    return true
  }

  /**
   * Records a call that the service has read completely and decided on.
   *
   * @returns undefined if it belongs to no open entry
   */
  addCall(received: {
    readonly sender: string | undefined
    readonly recipients: readonly string[]
    readonly content: Buffer
    readonly connection: string
    readonly accepted: boolean
    readonly how: string
    readonly rejected: boolean
  }): Call | undefined {
    const positions = received.recipients.map(readRecipient)
    const number = positions[0]?.number
    const entry = number === undefined ? undefined : this.#open.get(number)
    if (entry === undefined) {
      const what = number === undefined ? 'not a message of the soak' : 'its entry is closed'
      this.#record({
        type: received.accepted ? 'duplicated' : 'stray',
        number,
        text: `a call for ${received.recipients.slice(0, 3).join(', ')}: ${what}`,
      })
      return undefined
    }
    const { plan, attempts, calls, anomalies } = entry
    const addAnomaly = (text: string) => anomalies.push({ type: 'altered', number: plan.number, text })
    const recipients = positions.map(position => (position?.number === number ? position!.nth : Number.NaN))
    if (recipients.some(nth => !(nth < plan.recipients.length))) addAnomaly('a recipient of another message')
    if (received.sender !== plan.sender) addAnomaly(`the sender ${received.sender}`)
    if (digestOf(received.content) !== entry.digest)
      addAnomaly(`different content, ${received.content.length} bytes`)
    const attempt = attempts.findLast(({ connection }) => connection === received.connection)
    const { accepted, how, rejected } = received
    const call: Call = {
      attempt,
      at: performance.now(),
      recipients,
      accepted,
      how,
      rejected,
      answer: 'pending',
    }
    calls.push(call)
    return call
  }

  /** Records the end of the answer to a call. @param known true if the program can know whether the call succeeded */
  answered(call: Call, known: boolean): void {
    // After this time the program has timed out, or may have.
    const inTime = performance.now() - call.at < 0.7 * this.#settings.upstreamMs
    call.answer = known && inTime ? 'known' : 'lost'
  }

  /** Checks and closes entries that got their final reply before `now`. */
  review(before = performance.now() - lingerMs): void {
    const rest: Entry[] = []
    for (const entry of this.#settled) {
      if (entry.settledAt! <= before) this.#close(entry)
      else rest.push(entry)
    }
    this.#settled = rest
  }

  /** Checks and closes all entries. */
  close(): void {
    this.review(Number.POSITIVE_INFINITY)
    for (const entry of this.#open.values()) this.#close(entry)
  }

  count(type: Finding['type']): number {
    return this.counts.get(type) ?? 0
  }

  /** Adds a finding that is not about a message, for example that the program ended by itself. */
  addFinding(finding: Finding): void {
    this.#record(finding)
  }

  #close(entry: Entry): void {
    this.#open.delete(entry.plan.number)
    const { findings, unavoidableDuplicates }: EntryResult = checkEntry(entry, this.#settings)
    for (const [reason, count] of unavoidableDuplicates) {
      this.totals.unavoidableDuplicates.set(
        reason,
        (this.totals.unavoidableDuplicates.get(reason) ?? 0) + count,
      )
    }
    for (const finding of findings) this.#record(finding)
  }

  #record(finding: Finding): void {
    this.counts.set(finding.type, this.count(finding.type) + 1)
    if (this.count(finding.type) <= maxFindings) this.findings.push(finding)
  }
}
