import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from './checks.ts'
import { Ledger } from './ledger.ts'
import type { Attempt, Ending, Entry, ProcessRun } from './ledger-entry.ts'
import { contentOf, type PlannedMessage, plannedMessage } from './messages.ts'

const settings = { workers: 1, drainMs: 1000, upstreamMs: 1000 }
const yes: Ending = { type: 'reply', code: 250, text: '250 2.0.0 Ok' }
const later: Ending = { type: 'reply', code: 451, text: '451 4.4.2 later' }

/** One message, what happens to it, and the findings of the ledger. */
class Scenario {
  readonly books: Ledger
  readonly plan: PlannedMessage
  readonly entry: Entry
  life: ProcessRun = { number: 1, kills: [] }
  readonly #content: Buffer
  #connections = 0

  constructor(recipients = 1, workers = 1) {
    this.books = new Ledger({ ...settings, workers })
    const some = plannedMessage(1, 1000, { disconnects: false, maxRecipients: 1, maxBytes: 1000 })
    const names = Array.from({ length: recipients }, (_, n) => `r${n}.m1000@soak.example`)
    this.plan = { ...some, recipients: names }
    this.#content = contentOf(1, this.plan)
    this.entry = this.books.add(this.plan, this.#content)
  }

  attempt(): Attempt {
    const attempt = this.books.startAttempt(this.entry, `c${++this.#connections}.test`, this.life)
    attempt.complete = true
    return attempt
  }

  end(attempt: Attempt, ending: Ending): void {
    this.books.endAttempt(this.entry, attempt, ending)
  }

  call(
    attempt: Attempt,
    {
      from = 0,
      to = this.plan.recipients.length,
      accepted = true,
      known = true,
      content = this.#content,
    } = {},
  ): void {
    const call = this.books.addCall({
      sender: this.plan.sender,
      recipients: this.plan.recipients.slice(from, to),
      content,
      connection: attempt.connection,
      accepted,
      how: 'a test',
      rejected: false,
    })
    this.books.answered(call!, known)
  }

  /** Closes the ledger and returns the types of its findings. */
  close(): readonly Finding['type'][] {
    this.books.close()
    return [...this.books.counts.keys()]
  }

  get duplicateReasons(): readonly string[] {
    return [...this.books.totals.unavoidableDuplicates.keys()]
  }
}

test('a message that is accepted once before its reply has no finding', () => {
  const scenario = new Scenario(2)
  const attempt = scenario.attempt()
  scenario.call(attempt)
  scenario.end(attempt, yes)
  assert.deepEqual(scenario.close(), [])
})

test('a 250 before the service accepted the message is found, whether the message is sent later or not', () => {
  for (const [afterwards, found] of [
    [false, 'lost'],
    [true, 'early'],
  ] as const) {
    const scenario = new Scenario()
    const attempt = scenario.attempt()
    scenario.end(attempt, yes)
    if (afterwards) scenario.call(attempt)
    assert.deepEqual(scenario.close(), [found])
  }
})

test('a message that does not reach one of its recipients is lost', () => {
  const scenario = new Scenario(60)
  const attempt = scenario.attempt()
  scenario.call(attempt, { to: 50 })
  scenario.call(attempt, { from: 51 })
  scenario.end(attempt, yes)
  assert.deepEqual(scenario.close(), ['lost'])
  assert.match(scenario.books.findings[0]!.text, /not accepted for r50\.m1000@soak\.example$/)
})

test('a message that the program resends within one attempt is duplicated, even if the first answer was lost', () => {
  for (const known of [true, false]) {
    const scenario = new Scenario()
    const attempt = scenario.attempt()
    scenario.call(attempt, { known })
    scenario.call(attempt)
    scenario.end(attempt, yes)
    assert.deepEqual(scenario.close(), ['duplicated'])
  }
})

test('a duplicate after a retry of the client is unavoidable only if the program could not know that the service accepted the message', () => {
  const farewell: Ending = { type: 'reply', code: 421, text: '421 4.3.2 bye' }
  const [disconnected, broken, timeout]: Ending[] = [
    { type: 'disconnected' },
    { type: 'broken' },
    { type: 'timeout' },
  ]
  const unanswered = ['duplicated', 'unanswered']
  const cases: {
    readonly ending: Ending
    readonly known?: boolean
    /** The program was killed before the attempt, or during it. */
    readonly killed?: 'before' | 'during'
    readonly stoppedMsAgo?: number
    readonly found: readonly string[]
  }[] = [
    { ending: later, found: ['duplicated'] },
    { ending: later, known: false, found: [] },
    { ending: disconnected!, found: [] },
    { ending: broken!, killed: 'during', found: [] },
    { ending: broken!, killed: 'before', found: unanswered },
    { ending: broken!, stoppedMsAgo: 2000, found: unanswered },
    { ending: timeout!, found: unanswered },
    { ending: farewell, stoppedMsAgo: 2000, found: [] },
    { ending: farewell, stoppedMsAgo: 10, found: ['duplicated'] },
  ]
  for (const { ending, known = true, killed, stoppedMsAgo, found } of cases) {
    const scenario = new Scenario()
    const now = performance.now()
    if (killed === 'before') scenario.life.kills.push(now - 1)
    if (stoppedMsAgo !== undefined) scenario.life.stoppedAt = now - stoppedMsAgo
    const [first, second] = [scenario.attempt(), scenario.attempt()]
    scenario.call(first, { known })
    if (killed === 'during') scenario.life.kills.push(performance.now())
    scenario.end(first, ending)
    scenario.call(second)
    scenario.end(second, yes)
    assert.deepEqual(scenario.close(), found, JSON.stringify([ending, known, killed, stoppedMsAgo]))
    assert.equal(scenario.duplicateReasons.length, found.length === 0 ? 1 : 0)
  }
})

test('a recipient of a partial delivery gets the message again only after a restart or from another worker', () => {
  for (const [recipients, runs, workers, found] of [
    [60, 1, 1, ['duplicated']],
    [60, 2, 1, []],
    [60, 1, 2, []],
    [50, 2, 2, ['duplicated']],
  ] as const) {
    const scenario = new Scenario(recipients, workers)
    const first = scenario.attempt()
    scenario.call(first, { to: 40 })
    scenario.call(first, { from: 40, accepted: false })
    scenario.end(first, later)
    if (runs === 2) scenario.life = { number: 2, kills: [] }
    const second = scenario.attempt()
    scenario.call(second)
    scenario.end(second, yes)
    assert.deepEqual(scenario.close(), found)
  }
})

test('a call of an abandoned attempt may arrive after that of the next attempt', () => {
  const scenario = new Scenario()
  const [first, second] = [scenario.attempt(), scenario.attempt()]
  scenario.end(first, { type: 'disconnected' })
  scenario.call(second)
  scenario.end(second, yes)
  scenario.call(first)
  assert.deepEqual(scenario.close(), [])
  assert.deepEqual(scenario.duplicateReasons, ['the client disconnected before the reply'])
})

test('an incomplete message, altered content, a rejection without a reason and a message without a final reply are found', () => {
  const half = new Scenario()
  const cut = half.attempt()
  cut.complete = false
  half.call(cut, { content: Buffer.from('half') })
  half.end(cut, { type: 'disconnected' })
  const whole = half.attempt()
  half.call(whole)
  half.end(whole, yes)
  assert.deepEqual(half.close().toSorted(), ['altered', 'incomplete'])

  const refused = new Scenario()
  refused.end(refused.attempt(), { type: 'reply', code: 554, text: '554 5.6.0 No' })
  assert.deepEqual(refused.close(), ['rejected'])

  const open = new Scenario()
  open.end(open.attempt(), later)
  assert.deepEqual(open.close(), ['unsettled'])
})

test('a call for a closed entry is a duplicate', () => {
  const scenario = new Scenario()
  const attempt = scenario.attempt()
  scenario.call(attempt)
  scenario.end(attempt, yes)
  assert.deepEqual(scenario.close(), [])
  const late = { content: Buffer.alloc(0), connection: '', accepted: true, how: 'a test', rejected: false }
  scenario.books.addCall({ ...late, sender: scenario.plan.sender, recipients: scenario.plan.recipients })
  assert.deepEqual([...scenario.books.counts.keys()], ['duplicated'])
})
