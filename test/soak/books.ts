import { type Finding, type Judgement, judge } from './judgement.ts'
import { digestOf, type Plan, readRecipient } from './mails.ts'
import type { Attempt, Call, Ending, Entry, Life, Terms } from './record.ts'

/** Sums of what is over. */
export interface Totals {
  mails: number
  accepted: number
  refused: number
  attempts: number
  retries: number
  recipients: number
  /** Repeated recipients that are excused, by reason. */
  readonly ambiguous: Map<string, number>
  slowest: { readonly number: number; readonly ms: number }
}

/** How long a mail is looked at after its client has settled it: a call may still come. */
const lingerMs = 60_000
/** Findings of a type that are kept in full. */
const maxFindings = 20

/** What every client heard and what the service took, mail by mail. */
export class Books {
  readonly totals: Totals = {
    mails: 0,
    accepted: 0,
    refused: 0,
    attempts: 0,
    retries: 0,
    recipients: 0,
    ambiguous: new Map(),
    slowest: { number: 0, ms: 0 },
  }
  readonly findings: Finding[] = []
  /** Findings by type, those that are not kept too. */
  readonly counts = new Map<Finding['type'], number>()
  readonly #terms: Terms
  readonly #open = new Map<number, Entry>()
  /** Settled ones, in the order in which they were. */
  #settled: Entry[] = []

  constructor(terms: Terms) {
    this.#terms = terms
  }

  /** Mails that their clients have not settled. */
  get unsettled(): number {
    return this.#open.size - this.#settled.length
  }

  enter(plan: Plan, content: Buffer): Entry {
    const entry: Entry = {
      plan,
      digest: digestOf(content),
      attempts: [],
      calls: [],
      untakenAtYes: [],
      oddities: [],
    }
    this.#open.set(plan.number, entry)
    this.totals.mails++
    this.totals.recipients += plan.recipients.length
    return entry
  }

  /** A client begins to send a mail. */
  begin(entry: Entry, connection: string, life: Life): Attempt {
    const attempt: Attempt = { connection, life, begunAt: performance.now(), finished: false }
    entry.attempts.push(attempt)
    this.totals.attempts++
    if (entry.attempts.length > 1) this.totals.retries++
    return attempt
  }

  /** An attempt is over. True if the mail is settled with it. */
  end(entry: Entry, attempt: Attempt, ending: Ending): boolean {
    attempt.ending = ending
    attempt.endedAt = performance.now()
    if (ending.type !== 'reply' || (ending.code >= 400 && ending.code < 500)) return false
    entry.settled = ending.code < 400 ? 'accepted' : 'refused'
    entry.settledAt = attempt.endedAt
    this.totals[entry.settled]++
    if (entry.settled === 'accepted') {
      const taken = new Set(entry.calls.flatMap(call => (call.taken ? call.recipients : [])))
      entry.untakenAtYes = entry.plan.recipients.map((_, nth) => nth).filter(nth => !taken.has(nth))
    }
    const ms = Math.round(attempt.endedAt - entry.attempts[0]!.begunAt)
    if (ms > this.totals.slowest.ms) this.totals.slowest = { number: entry.plan.number, ms }
    this.#settled.push(entry)
    return true
  }

  /**
   * The service has read a call to its end, and has decided.
   * @param content without the program's own `Received` header
   * @returns `undefined` where it is for no mail that is known
   */
  call(heard: {
    readonly sender: string | undefined
    readonly recipients: readonly string[]
    readonly content: Buffer
    readonly connection: string
    readonly taken: boolean
    readonly how: string
    readonly rejected: boolean
  }): Call | undefined {
    const places = heard.recipients.map(readRecipient)
    const number = places[0]?.number
    const entry = number === undefined ? undefined : this.#open.get(number)
    if (entry === undefined) {
      const what = number === undefined ? 'it is none of ours' : 'its books are closed'
      this.#find({
        type: heard.taken ? 'duplicated' : 'stray',
        number,
        text: `a call for ${heard.recipients.slice(0, 3).join(', ')}: ${what}`,
      })
      return undefined
    }
    const { plan, attempts, calls, oddities } = entry
    const odd = (text: string) => oddities.push({ type: 'spoiled', number: plan.number, text })
    const recipients = places.map(place => (place?.number === number ? place!.nth : Number.NaN))
    if (recipients.some(nth => !(nth < plan.recipients.length))) odd('a recipient that is not of this mail')
    if (heard.sender !== plan.sender) odd(`the sender ${heard.sender}`)
    if (digestOf(heard.content) !== entry.digest) odd(`another content, ${heard.content.length} bytes`)
    const attempt = attempts.findLast(({ connection }) => connection === heard.connection)
    const { taken, how, rejected } = heard
    const call: Call = {
      attempt,
      at: performance.now(),
      recipients,
      taken,
      how,
      rejected,
      answer: 'pending',
    }
    calls.push(call)
    return call
  }

  /** The answer to a call is over. @param told the program can know what became of the mail */
  answered(call: Call, told: boolean): void {
    // Later than that, the program has given it up, or may just have.
    const inTime = performance.now() - call.at < 0.7 * this.#terms.upstreamMs
    call.answer = told && inTime ? 'told' : 'lost'
  }

  /** Judges what was settled long enough ago. @param now when everything is over: all of it */
  review(now = performance.now() - lingerMs): void {
    const rest: Entry[] = []
    for (const entry of this.#settled) {
      if (entry.settledAt! <= now) this.#close(entry)
      else rest.push(entry)
    }
    this.#settled = rest
  }

  /** Everything is over: judges all that is left. */
  close(): void {
    this.review(Number.POSITIVE_INFINITY)
    for (const entry of this.#open.values()) this.#close(entry)
  }

  count(type: Finding['type']): number {
    return this.counts.get(type) ?? 0
  }

  /** Notes what no mail tells, for example that the program ended by itself. */
  note(finding: Finding): void {
    this.#find(finding)
  }

  #close(entry: Entry): void {
    this.#open.delete(entry.plan.number)
    const { findings, ambiguous }: Judgement = judge(entry, this.#terms)
    for (const [reason, count] of ambiguous) {
      this.totals.ambiguous.set(reason, (this.totals.ambiguous.get(reason) ?? 0) + count)
    }
    for (const finding of findings) this.#find(finding)
  }

  #find(finding: Finding): void {
    this.counts.set(finding.type, this.count(finding.type) + 1)
    if (this.count(finding.type) <= maxFindings) this.findings.push(finding)
  }
}
