import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Books } from './books.ts'
import type { Finding } from './judgement.ts'
import { contentOf, type Plan, planOf } from './mails.ts'
import type { Attempt, Ending, Entry, Life } from './record.ts'

const terms = { workers: 1, drainMs: 1000, upstreamMs: 1000 }
const yes: Ending = { type: 'reply', code: 250, text: '250 2.0.0 Ok' }
const later: Ending = { type: 'reply', code: 451, text: '451 4.4.2 later' }

/** One mail, what happens to it, and what the books say of it then. */
class Story {
  readonly books: Books
  readonly plan: Plan
  readonly entry: Entry
  life: Life = { number: 1, kills: [] }
  readonly #content: Buffer
  #connections = 0

  constructor(recipients = 1, workers = 1) {
    this.books = new Books({ ...terms, workers })
    const some = planOf(1, 1000, { leaving: false, maxRecipients: 1, maxBytes: 1000 })
    const names = Array.from({ length: recipients }, (_, n) => `r${n}.m1000@soak.example`)
    this.plan = { ...some, recipients: names }
    this.#content = contentOf(1, this.plan)
    this.entry = this.books.enter(this.plan, this.#content)
  }

  attempt(): Attempt {
    const attempt = this.books.begin(this.entry, `c${++this.#connections}.test`, this.life)
    attempt.finished = true
    return attempt
  }

  end(attempt: Attempt, ending: Ending): void {
    this.books.end(this.entry, attempt, ending)
  }

  call(
    attempt: Attempt,
    { from = 0, to = this.plan.recipients.length, taken = true, told = true, content = this.#content } = {},
  ): void {
    const call = this.books.call({
      sender: this.plan.sender,
      recipients: this.plan.recipients.slice(from, to),
      content,
      connection: attempt.connection,
      taken,
      how: 'a test',
      rejected: false,
    })
    this.books.answered(call!, told)
  }

  /** The types of what is found. */
  close(): readonly Finding['type'][] {
    this.books.close()
    return [...this.books.counts.keys()]
  }

  get excuses(): readonly string[] {
    return [...this.books.totals.ambiguous.keys()]
  }
}

test('a mail that is taken once and answered then is in order', () => {
  const story = new Story(2)
  const attempt = story.attempt()
  story.call(attempt)
  story.end(attempt, yes)
  assert.deepEqual(story.close(), [])
})

test('a yes before anybody has the mail is found, whether it is sent afterwards or not', () => {
  for (const [afterwards, found] of [
    [false, 'lost'],
    [true, 'early'],
  ] as const) {
    const story = new Story()
    const attempt = story.attempt()
    story.end(attempt, yes)
    if (afterwards) story.call(attempt)
    assert.deepEqual(story.close(), [found])
  }
})

test('a mail that one of its recipients does not have is lost', () => {
  const story = new Story(60)
  const attempt = story.attempt()
  story.call(attempt, { to: 50 })
  story.call(attempt, { from: 51 })
  story.end(attempt, yes)
  assert.deepEqual(story.close(), ['lost'])
  assert.match(story.books.findings[0]!.text, /not taken for r50\.m1000@soak\.example$/)
})

test('what the program sends again by itself is duplicated, however doubtful the first call was', () => {
  for (const told of [true, false]) {
    const story = new Story()
    const attempt = story.attempt()
    story.call(attempt, { told })
    story.call(attempt)
    story.end(attempt, yes)
    assert.deepEqual(story.close(), ['duplicated'])
  }
})

test('a new try of the client is an excuse only where nobody can have known that the mail was taken', () => {
  const farewell: Ending = { type: 'reply', code: 421, text: '421 4.3.2 bye' }
  const [left, broken, silence]: Ending[] = [{ type: 'left' }, { type: 'broken' }, { type: 'silence' }]
  const unheard = ['duplicated', 'unanswered']
  const cases: {
    readonly ending: Ending
    readonly told?: boolean
    /** The program was killed before the attempt, or during it. */
    readonly killed?: 'before' | 'during'
    readonly stoppedMsAgo?: number
    readonly found: readonly string[]
  }[] = [
    { ending: later, found: ['duplicated'] },
    { ending: later, told: false, found: [] },
    { ending: left!, found: [] },
    { ending: broken!, killed: 'during', found: [] },
    { ending: broken!, killed: 'before', found: unheard },
    { ending: broken!, stoppedMsAgo: 2000, found: unheard },
    { ending: silence!, found: unheard },
    { ending: farewell, stoppedMsAgo: 2000, found: [] },
    { ending: farewell, stoppedMsAgo: 10, found: ['duplicated'] },
  ]
  for (const { ending, told = true, killed, stoppedMsAgo, found } of cases) {
    const story = new Story()
    const now = performance.now()
    if (killed === 'before') story.life.kills.push(now - 1)
    if (stoppedMsAgo !== undefined) story.life.stoppedAt = now - stoppedMsAgo
    const [first, second] = [story.attempt(), story.attempt()]
    story.call(first, { told })
    if (killed === 'during') story.life.kills.push(performance.now())
    story.end(first, ending)
    story.call(second)
    story.end(second, yes)
    assert.deepEqual(story.close(), found, JSON.stringify([ending, told, killed, stoppedMsAgo]))
    assert.equal(story.excuses.length, found.length === 0 ? 1 : 0)
  }
})

test('who has a mail that was delivered in part gets it again only when the memory of that is gone', () => {
  for (const [recipients, lives, workers, found] of [
    [60, 1, 1, ['duplicated']],
    [60, 2, 1, []],
    [60, 1, 2, []],
    [50, 2, 2, ['duplicated']],
  ] as const) {
    const story = new Story(recipients, workers)
    const first = story.attempt()
    story.call(first, { to: 40 })
    story.call(first, { from: 40, taken: false })
    story.end(first, later)
    if (lives === 2) story.life = { number: 2, kills: [] }
    const second = story.attempt()
    story.call(second)
    story.end(second, yes)
    assert.deepEqual(story.close(), found)
  }
})

test('what a client left behind may come after its new try', () => {
  const story = new Story()
  const [first, second] = [story.attempt(), story.attempt()]
  story.end(first, { type: 'left' })
  story.call(second)
  story.end(second, yes)
  story.call(first)
  assert.deepEqual(story.close(), [])
  assert.deepEqual(story.excuses, ['the client left before the reply'])
})

test('half a mail, another content, a refusal without a cause and a mail without an end are found', () => {
  const half = new Story()
  const cut = half.attempt()
  cut.finished = false
  half.call(cut, { content: Buffer.from('half') })
  half.end(cut, { type: 'left' })
  const whole = half.attempt()
  half.call(whole)
  half.end(whole, yes)
  assert.deepEqual(half.close().toSorted(), ['spoiled', 'unfinished'])

  const refused = new Story()
  refused.end(refused.attempt(), { type: 'reply', code: 554, text: '554 5.6.0 No' })
  assert.deepEqual(refused.close(), ['refused'])

  const open = new Story()
  open.end(open.attempt(), later)
  assert.deepEqual(open.close(), ['unsettled'])
})

test('a call for a mail whose books are closed is a duplicate', () => {
  const story = new Story()
  const attempt = story.attempt()
  story.call(attempt)
  story.end(attempt, yes)
  assert.deepEqual(story.close(), [])
  const late = { content: Buffer.alloc(0), connection: '', taken: true, how: 'a test', rejected: false }
  story.books.call({ ...late, sender: story.plan.sender, recipients: story.plan.recipients })
  assert.deepEqual([...story.books.counts.keys()], ['duplicated'])
})
