import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Budget, type Share } from '../../src/relay/budget.ts'
import { turn } from './backend.ts'
import { FastClock } from './fast-clock.ts'
import { HandClock } from './hand-clock.ts'

const long = 1_000_000_000

/** A hundred bytes; one mail holds at most forty of them, and waits ten milliseconds. */
function stage(rules: Partial<ConstructorParameters<typeof Budget>[0]> = {}) {
  const clock = new HandClock()
  const budget = new Budget({ totalBytes: 100, largestBytes: 40, patienceMs: 10, clock, ...rules })
  return { budget, clock }
}

/** What became of a wish by now. */
async function fate(answer: true | Promise<boolean>): Promise<boolean | 'waits'> {
  await turn()
  return Promise.race([answer, Promise.resolve('waits' as const)])
}

async function fates(...answers: (true | Promise<boolean>)[]): Promise<(boolean | 'waits')[]> {
  return Promise.all(answers.map(fate))
}

/** Complete mails that hold so many bytes: what is being delivered. */
function delivering(budget: Budget, bytes: number): Share {
  const share = budget.open()
  assert.equal(share.resize(bytes), true)
  share.complete()
  return share
}

test('where there is room a mail has it at once, without a promise', () => {
  const { budget } = stage()
  const [one, two] = [budget.open(), budget.open()]
  assert.deepEqual([one.resize(10), two.resize(30), one.resize(40), two.resize(20)], [true, true, true, true])
  assert.equal(budget.usedBytes, 60)
  one.release()
  assert.equal(budget.usedBytes, 20)
  two.release()
  assert.equal(budget.usedBytes, 0)
})

test('what is given back is given back once', () => {
  const { budget } = stage()
  const other = budget.open()
  other.resize(7)
  const share = budget.open()
  share.resize(30)
  share.complete()
  for (const _ of [1, 2, 3]) {
    share.release()
    share.complete()
    assert.equal(share.resize(0), true)
    assert.equal(budget.usedBytes, 7)
  }
})

test('a mail that is complete or gone does not grow', async () => {
  const { budget } = stage()
  const share = budget.open()
  share.resize(10)
  share.complete()
  assert.equal(await share.resize(11), false)
  assert.equal(share.resize(9), true)
  assert.equal(budget.usedBytes, 9)
  share.release()
  assert.equal(await share.resize(1), false)
  assert.equal(budget.usedBytes, 0)
})

test('more than one mail may ever hold is refused at once', async () => {
  const { budget, clock } = stage()
  const share = budget.open()
  assert.equal(share.resize(40), true)
  assert.equal(await share.resize(41), false)
  assert.deepEqual([budget.usedBytes, budget.waiting, clock.sleepers], [40, 0, 0])
  const small = stage({ totalBytes: 30 })
  assert.equal(await small.budget.open().resize(31), false)
  assert.equal(small.budget.open().resize(30) instanceof Promise, true)
})

test('a mail without patience is refused at once where there is no room', async () => {
  const { budget, clock } = stage({ patienceMs: 0 })
  delivering(budget, 40)
  delivering(budget, 40)
  const share = budget.open()
  assert.equal(share.resize(20), true)
  assert.equal(await share.resize(21), false)
  assert.equal(clock.sleepers, 0)
})

test('a mail that is slow keeps from others only what it may still need itself', async () => {
  const { budget } = stage()
  const slow = budget.open()
  slow.resize(1)
  // 100 less 1 that it has and 39 that it may want
  const others = [budget.open(), budget.open()]
  assert.deepEqual([others[0]!.resize(40), others[1]!.resize(20)], [true, true])
  assert.equal(budget.waiting, 0)
  const late = budget.open()
  const wish = late.resize(1)
  assert.equal(await fate(wish), 'waits')
  assert.equal(slow.resize(40), true)
  others[0]!.complete()
  assert.equal(await fate(wish), 'waits')
  others[0]!.release()
  assert.equal(await fate(wish), true)
})

test('two mails that want what the other one has do not both wait for ever', async () => {
  const { budget, clock } = stage({ totalBytes: 40, patienceMs: long })
  const [one, two] = [budget.open(), budget.open()]
  assert.equal(one.resize(20), true)
  const second = two.resize(20)
  assert.equal(await fate(second), 'waits')
  assert.equal(one.resize(40), true)
  one.complete()
  assert.equal(await fate(second), 'waits')
  one.release()
  assert.equal(await fate(second), true)
  assert.equal(two.resize(40), true)
  assert.equal(clock.sleepers, 0)
})

test('when the eldest client vanishes the next one is the eldest', async () => {
  const { budget } = stage({ patienceMs: long })
  const [one, two, three] = [budget.open(), budget.open(), budget.open()]
  one.resize(10)
  delivering(budget, 40)
  assert.equal(two.resize(20), true)
  const wishes = [two.resize(40), three.resize(20)] as const
  assert.deepEqual(await fates(...wishes), ['waits', 'waits'])
  one.release()
  assert.deepEqual(await fates(...wishes), [true, true])
  assert.equal(budget.usedBytes, 100)
})

test('while the mail of the eldest is slow to be delivered, the next one takes what is free', async () => {
  const { budget } = stage({ totalBytes: 60 })
  const [one, two, three] = [budget.open(), budget.open(), budget.open()]
  one.resize(10)
  assert.equal(two.resize(20), true)
  const wishes = [two.resize(40), three.resize(5)] as const
  assert.deepEqual(await fates(...wishes), ['waits', 'waits'])
  one.complete()
  assert.deepEqual(await fates(...wishes), [true, true])
  assert.equal(budget.usedBytes, 55)
})

test('all may wait for a delivery, and are served by seniority when it ends', async () => {
  const { budget } = stage({ totalBytes: 40, patienceMs: long })
  const delivery = delivering(budget, 40)
  const shares = [budget.open(), budget.open(), budget.open()]
  const order: number[] = []
  // The youngest asks first.
  for (const n of [2, 1, 0]) {
    Promise.resolve(shares[n]!.resize(40)).then(granted => granted && order.push(n))
  }
  await turn()
  assert.deepEqual([budget.waiting, order], [3, []])
  delivery.release()
  for (const [n, share] of shares.entries()) {
    await turn()
    assert.equal(order.length, n + 1)
    share.complete()
    share.release()
  }
  assert.deepEqual(order, [0, 1, 2])
})

test('nobody overtakes an older mail that waits, also not one whose small wish would fit', async () => {
  const { budget } = stage()
  const eldest = budget.open()
  const large = budget.open()
  const older = delivering(budget, 40)
  const wish = large.resize(30)
  const small = budget.open()
  const tiny = small.resize(1)
  assert.deepEqual(await fates(wish, tiny), ['waits', 'waits'])
  assert.equal(eldest.resize(10), true)
  older.release()
  assert.deepEqual(await fates(wish, tiny), [true, true])
})

test('an older mail need not wait for a younger one that waits', async () => {
  const { budget } = stage()
  const [eldest, older, younger] = [budget.open(), budget.open(), budget.open()]
  eldest.resize(1)
  delivering(budget, 40)
  const wish = younger.resize(30)
  assert.equal(await fate(wish), 'waits')
  assert.deepEqual([older.resize(20), eldest.resize(40)], [true, true])
  assert.equal(await fate(wish), 'waits')
})

test('a mail that shrinks serves those who wait', async () => {
  const { budget } = stage()
  budget.open()
  const large = delivering(budget, 40)
  const [two, three] = [budget.open(), budget.open()]
  const wishes = [two.resize(30), three.resize(10)] as const
  assert.deepEqual(await fates(...wishes), ['waits', 'waits'])
  large.resize(30)
  assert.deepEqual(await fates(...wishes), [true, 'waits'])
  large.resize(20)
  assert.deepEqual(await fates(...wishes), [true, true])
})

test('a client that vanishes while it waits gets no, and those behind it are served', async () => {
  const { budget, clock } = stage()
  budget.open()
  delivering(budget, 40)
  const [two, three] = [budget.open(), budget.open()]
  two.resize(5)
  const wishes = [two.resize(40), three.resize(20)] as const
  assert.deepEqual(await fates(...wishes), ['waits', 'waits'])
  two.release()
  assert.deepEqual(await fates(...wishes), [false, true])
  assert.deepEqual([budget.usedBytes, budget.waiting, clock.sleepers], [60, 0, 0])
})

test('a new wish takes the place of one that waits', async () => {
  const { budget, clock } = stage()
  budget.open()
  delivering(budget, 40)
  const [two, three] = [budget.open(), budget.open()]
  const wishes = [two.resize(40), three.resize(5)] as const
  await turn()
  const other = two.resize(10)
  assert.deepEqual(await fates(...wishes, other), [false, true, true])
  assert.deepEqual([budget.usedBytes, clock.sleepers], [55, 0])
})

test('who asks for too much instead of waiting makes way', async () => {
  const { budget } = stage()
  budget.open()
  delivering(budget, 40)
  const [two, three] = [budget.open(), budget.open()]
  const wishes = [two.resize(40), three.resize(5)] as const
  assert.deepEqual(await fates(...wishes), ['waits', 'waits'])
  assert.deepEqual(await fates(two.resize(41), ...wishes), [false, false, true])
})

test('patience is the sum of all waits of a mail, and who loses it makes way', async () => {
  const { budget, clock } = stage()
  budget.open()
  const delivery = delivering(budget, 40)
  const [two, three] = [budget.open(), budget.open()]
  const first = two.resize(30)
  clock.pass(6)
  delivery.resize(30)
  assert.equal(await fate(first), true)
  clock.pass(100)
  const wishes = [two.resize(40), three.resize(1)] as const
  delivery.resize(29)
  clock.pass(3)
  assert.deepEqual(await fates(...wishes), ['waits', 'waits'])
  clock.pass(1)
  assert.deepEqual(await fates(...wishes), [false, true])
  // What it has it keeps until it gives it back.
  assert.equal(budget.usedBytes, 60)
  assert.equal(await fate(two.resize(40)), false)
  assert.equal(two.resize(1), true)
  assert.equal(clock.sleepers, 0)
})

test('room that comes in the moment in which patience ends is counted once, whichever is first', async () => {
  for (const roomFirst of [true, false]) {
    const { budget, clock } = stage({ totalBytes: 40 })
    const delivery = delivering(budget, 40)
    const share = budget.open()
    const wish = share.resize(40)
    const steps = [() => delivery.release(), () => clock.pass(10)]
    for (const step of roomFirst ? steps : steps.reverse()) step()
    assert.equal(await fate(wish), true)
    assert.deepEqual([budget.usedBytes, budget.waiting, clock.sleepers], [40, 0, 0])
    share.release()
    assert.equal(budget.usedBytes, 0)
  }
})

test('ten thousand mails that wait are all served, by seniority', async () => {
  const budget = new Budget({ totalBytes: 40, largestBytes: 40, patienceMs: 20_000 })
  const delivery = delivering(budget, 40)
  const order: number[] = []
  const shares = Array.from({ length: 10_000 }, () => budget.open())
  const ends = shares.map(async (share, n) => {
    if (await share.resize(40)) order.push(n)
    share.complete()
    share.release()
  })
  assert.equal(budget.waiting, 10_000)
  delivery.release()
  await Promise.all(ends)
  assert.deepEqual(
    order,
    shares.map((_, n) => n),
  )
  assert.equal(budget.usedBytes, 0)
})

/** What the test knows of a mail from the outside. */
interface Seen {
  readonly share: Share
  bytes: number
  state: 'received' | 'complete' | 'released'
  wish: { bytes: number; sinceMs: number; refusable: boolean } | undefined
  waitedMs: number
}

type Step =
  | { readonly type: 'open' | 'nothing' }
  /** A mail that is received and does not wait gets longer. */
  | { readonly type: 'grow'; readonly mail: number; readonly bytes: number }
  /** Any mail at all, in any state, wants so many bytes. */
  | { readonly type: 'resize'; readonly mail: number; readonly bytes: number }
  | { readonly type: 'complete' | 'release'; readonly mail: number }

const anyMail = fc.noBias(fc.nat(1000))
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('open') }) },
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant('grow'),
      mail: anyMail,
      bytes: fc.integer({ min: 1, max: 25 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('resize'), mail: anyMail, bytes: fc.nat(50) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('complete'), mail: anyMail }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('release'), mail: anyMail }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('nothing') }) },
)

function pick({ type, mail }: Extract<Step, { mail: number }>, mails: readonly Seen[]): Seen | undefined {
  const eligible = mails.filter(({ state, wish }) => {
    if (type === 'grow') return state === 'received' && wish === undefined
    return type === 'resize' || state !== 'released'
  })
  return eligible[mail % Math.max(1, eligible.length)]
}

test('whatever clients do, and when: exact, by seniority, in time, and nobody waits who need not', async () => {
  const rules = fc.record({
    totalBytes: fc.constantFrom(1, 30, 60, 100),
    largestBytes: fc.constantFrom(1, 20, 30, 45),
    patienceMs: fc.constantFrom(0, 4, 15, 60, long),
  })
  // Time passes before a step, and nothing else happens in between: things come in the same moment.
  const steps = fc.array(fc.tuple(fc.constantFrom(0, 0, 0, 1, 5), step), { maxLength: 100, size: 'max' })
  let [granted, refused, late] = [0, 0, 0]
  await fc.assert(
    fc.asyncProperty(rules, steps, async (rules, steps) => {
      const { totalBytes, patienceMs } = rules
      const largestBytes = Math.min(rules.largestBytes, totalBytes)
      const { budget, clock } = stage(rules)
      const mails: Seen[] = []
      const served: Seen[] = []
      const complaints: string[] = []

      function ask(mail: Seen, bytes: number): void {
        const answer = mail.share.resize(bytes)
        if (answer === true) {
          if (bytes > mail.bytes) served.push(mail)
          mail.bytes = bytes
          return
        }
        const refusable = mail.state !== 'received' || bytes > largestBytes || mail.waitedMs >= patienceMs
        const wish = { bytes, sinceMs: clock.now(), refusable }
        mail.wish = wish
        answer.then(yes => {
          const waitedMs = clock.now() - wish.sinceMs
          mail.waitedMs += waitedMs
          if (yes) {
            if (mail.state !== 'received') complaints.push('granted to a mail that does not grow')
            mail.bytes = bytes
            served.push(mail)
            granted++
            if (mail.waitedMs >= patienceMs) late++
          } else {
            if (!wish.refusable && mail.waitedMs < patienceMs) complaints.push('refused though it could wait')
            refused++
          }
          if (mail.wish === wish) mail.wish = undefined
        })
      }

      for (const [passedMs, step] of steps) {
        clock.pass(passedMs)
        const mail = 'mail' in step ? pick(step, mails) : undefined
        if (step.type === 'open') {
          mails.push({ share: budget.open(), bytes: 0, state: 'received', wish: undefined, waitedMs: 0 })
        } else if (mail !== undefined) {
          if (mail.wish) mail.wish.refusable = true
          if (step.type === 'resize') ask(mail, step.bytes)
          if (step.type === 'grow') ask(mail, Math.min(mail.bytes + step.bytes, largestBytes))
          if (step.type === 'complete') {
            mail.share.complete()
            if (mail.state === 'received') mail.state = 'complete'
          }
          if (step.type === 'release') {
            mail.share.release()
            mail.state = 'released'
            mail.bytes = 0
          }
        }
        await turn()

        assert.deepEqual(complaints, [])
        const usedBytes = mails.reduce((sum, { bytes }) => sum + bytes, 0)
        assert.equal(budget.usedBytes, usedBytes, 'exact')
        assert.ok(usedBytes <= totalBytes, 'never above the total')
        const waiting = mails.filter(({ wish }) => wish !== undefined)
        assert.equal(budget.waiting, waiting.length)
        assert.equal(clock.sleepers, waiting.length, 'a timer is left behind')
        for (const { waitedMs, wish } of waiting) {
          assert.ok(waitedMs + clock.now() - wish!.sinceMs < patienceMs, 'waits too long')
        }
        const first = waiting[0]
        if (first !== undefined) {
          for (const mail of served) assert.ok(mails.indexOf(mail) < mails.indexOf(first), 'overtakes')
        }
        served.length = 0

        const eldest = mails.find(({ state }) => state === 'received')
        if (eldest === undefined) continue
        const wantedBytes = largestBytes - eldest.bytes
        const comingBytes = mails.reduce(
          (sum, { state, bytes }) => sum + (state === 'complete' ? bytes : 0),
          0,
        )
        assert.ok(totalBytes - usedBytes + comingBytes >= wantedBytes, 'the eldest could wait for ever')
        if (first?.wish === undefined) continue
        const afterBytes = usedBytes - first.bytes + first.wish.bytes + (first === eldest ? 0 : wantedBytes)
        assert.ok(afterBytes > totalBytes, 'waits though there is room')
      }

      for (const { share } of mails) share.release()
      assert.deepEqual([budget.usedBytes, budget.waiting], [0, 0])
      await turn()
      assert.equal(clock.sleepers, 0)
    }),
    { numRuns: 3000 },
  )
  // The cases that matter were among them.
  assert.ok(granted > 1000 && refused > 1000 && late > 5, `${granted}, ${refused}, ${late}`)
})

/** A client that sends a mail in chunks, and stays so long between them; then the mail is delivered for so long. */
const journey = fc.record({
  startMs: fc.nat(20),
  chunks: fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 30 })), { minLength: 1, maxLength: 6 }),
  deliveryMs: fc.nat(50),
  vanishesAfterMs: fc.option(fc.nat(60)),
})

test('clients that only go on are all served while deliveries end, or refused after their patience', async () => {
  const journeys = fc.array(journey, { minLength: 1, maxLength: 12, size: 'max' })
  const memory = fc.integer({ min: 1, max: 80 }).chain(largestBytes =>
    fc.record({
      largestBytes: fc.constant(largestBytes),
      totalBytes: fc.integer({ min: largestBytes, max: 120 }),
    }),
  )
  const patience = fc.constantFrom(long, 0, 1, 7, 30)
  let waited = 0
  await fc.assert(
    fc.asyncProperty(memory, journeys, patience, async (memory, journeys, patienceMs) => {
      const clock = new FastClock()
      const budget = new Budget({ ...memory, patienceMs, clock })
      await Promise.all(
        journeys.map(async ({ startMs, chunks, deliveryMs, vanishesAfterMs }) => {
          await clock.sleep(startMs)
          const share = budget.open()
          let gone = false
          if (vanishesAfterMs !== null) {
            clock.sleep(vanishesAfterMs).then(() => {
              gone = true
              share.release()
            })
          }
          let [bytes, waitedMs] = [0, 0]
          for (const [pauseMs, chunkBytes] of chunks) {
            await clock.sleep(pauseMs)
            if (gone || bytes + chunkBytes > memory.largestBytes) break
            bytes += chunkBytes
            const sinceMs = clock.now()
            const answer = share.resize(bytes)
            if (answer === true) continue
            const granted = await answer
            waitedMs += clock.now() - sinceMs
            if (waitedMs > 0) waited++
            assert.ok(waitedMs <= patienceMs, `${waitedMs} ms`)
            if (granted) continue
            assert.ok(gone || waitedMs === patienceMs, 'refused too early')
            assert.ok(gone || patienceMs < long, 'nobody goes on')
            break
          }
          share.complete()
          await clock.sleep(deliveryMs)
          share.release()
        }),
      )
      assert.deepEqual([budget.usedBytes, budget.waiting], [0, 0])
    }),
    { numRuns: 3000 },
  )
  assert.ok(waited > 500, `${waited}`)
})
