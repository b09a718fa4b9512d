import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Eviction,
  MemoryBudget,
  minBudgetBytes,
  type Reservation,
} from '../../src/relay/limits/memory-budget.ts'
import { memoryLimits } from '../../src/relay/limits/memory-limits.ts'
import { FastClock } from '../support/fast-clock.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { turn } from './backend.ts'

const { minBytesPerSecond, rateWindowMs, smallBytes } = memoryLimits
const long = 1_000_000_000

/** A budget of a hundred bytes. A message holds at most forty of them, and waits for ten milliseconds. */
function stage(rules: Partial<ConstructorParameters<typeof MemoryBudget>[0]> = {}) {
  const clock = new ManualClock()
  const budget = new MemoryBudget({
    totalBytes: 100,
    largestBytes: 40,
    reservedBytes: 0,
    maxWaitMs: 10,
    clock,
    ...rules,
  })
  return { budget, clock }
}

/** A message that is in the pool for large ones, and holds nothing yet. Without a reserve that is the only pool. */
function enter(budget: MemoryBudget): Reservation {
  const share = budget.open()
  assert.equal(share.resize(1), true)
  assert.equal(share.resize(0), true)
  return share
}

/** What became of a wish by now. */
async function fate(answer: true | Promise<boolean>): Promise<boolean | 'waits'> {
  await turn()
  return Promise.race([answer, Promise.resolve('waits' as const)])
}

async function fates(...answers: (true | Promise<boolean>)[]): Promise<(boolean | 'waits')[]> {
  return Promise.all(answers.map(fate))
}

/** Complete messages that hold these bytes: those that are being delivered. */
function delivering(budget: MemoryBudget, bytes: number): Reservation {
  const share = budget.open()
  assert.equal(share.resize(bytes), true)
  share.complete()
  return share
}

test('if there is room, a message gets memory at once, without a promise', () => {
  const { budget } = stage()
  const [one, two] = [budget.open(), budget.open()]
  assert.deepEqual([one.resize(10), two.resize(30), one.resize(40), two.resize(20)], [true, true, true, true])
  assert.equal(budget.usedBytes, 60)
  one.release()
  assert.equal(budget.usedBytes, 20)
  two.release()
  assert.equal(budget.usedBytes, 0)
})

test('memory is released once', () => {
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

test('a message that is complete or released does not grow', async () => {
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

test('more than one message may ever hold is refused at once', async () => {
  const { budget, clock } = stage()
  const share = budget.open()
  assert.equal(share.resize(40), true)
  assert.equal(await share.resize(41), false)
  assert.deepEqual([budget.usedBytes, budget.waiting, clock.sleepers], [40, 0, 0])
  const small = stage({ totalBytes: 30 })
  assert.equal(await small.budget.open().resize(31), false)
  enter(small.budget)
  assert.equal(small.budget.open().resize(30) instanceof Promise, true)
})

test('a message that may not wait is refused at once if there is no room', async () => {
  const { budget, clock } = stage({ maxWaitMs: 0 })
  delivering(budget, 40)
  delivering(budget, 40)
  const share = budget.open()
  assert.equal(share.resize(20), true)
  assert.equal(await share.resize(21), false)
  assert.equal(clock.sleepers, 0)
})

test('a slow message withholds from others only what it may still need', async () => {
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

test("two messages that need each other's memory do not both wait forever", async () => {
  const { budget, clock } = stage({ totalBytes: 40, maxWaitMs: long })
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

test('when the oldest client disconnects, the next one is the oldest', async () => {
  const { budget } = stage({ maxWaitMs: long })
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

test('while the oldest message is being delivered slowly, the next one gets the free memory', async () => {
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

test('all messages may wait for a delivery, and get memory in the order of age when it ends', async () => {
  const { budget } = stage({ totalBytes: 41, maxWaitMs: long })
  const delivery = enter(budget)
  const shares = Array.from({ length: 3 }, () => enter(budget))
  assert.equal(delivery.resize(40), true)
  delivery.complete()
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

test('no message overtakes an older one that waits, even if its small request would fit', async () => {
  const { budget } = stage()
  const eldest = enter(budget)
  const [large, small] = [enter(budget), enter(budget)]
  const older = delivering(budget, 40)
  const wish = large.resize(30)
  const tiny = small.resize(1)
  assert.deepEqual(await fates(wish, tiny), ['waits', 'waits'])
  assert.equal(eldest.resize(10), true)
  older.release()
  assert.deepEqual(await fates(wish, tiny), [true, true])
})

test('an older message does not wait for a younger one that waits', async () => {
  const { budget } = stage()
  const [eldest, older, younger] = [enter(budget), enter(budget), enter(budget)]
  eldest.resize(1)
  delivering(budget, 40)
  const wish = younger.resize(30)
  assert.equal(await fate(wish), 'waits')
  assert.deepEqual([older.resize(20), eldest.resize(40)], [true, true])
  assert.equal(await fate(wish), 'waits')
})

test('a message that shrinks makes room for those that wait', async () => {
  const { budget } = stage()
  enter(budget)
  const large = delivering(budget, 40)
  const [two, three] = [enter(budget), enter(budget)]
  const wishes = [two.resize(30), three.resize(10)] as const
  assert.deepEqual(await fates(...wishes), ['waits', 'waits'])
  large.resize(30)
  assert.deepEqual(await fates(...wishes), [true, 'waits'])
  large.resize(20)
  assert.deepEqual(await fates(...wishes), [true, true])
})

test('a client that disconnects while it waits gets no memory, and those after it do', async () => {
  const { budget, clock } = stage()
  enter(budget)
  delivering(budget, 40)
  const [two, three] = [enter(budget), enter(budget)]
  two.resize(5)
  const wishes = [two.resize(40), three.resize(20)] as const
  assert.deepEqual(await fates(...wishes), ['waits', 'waits'])
  two.release()
  assert.deepEqual(await fates(...wishes), [false, true])
  assert.deepEqual([budget.usedBytes, budget.waiting, clock.sleepers], [60, 0, 0])
})

test('a new request replaces one that waits', async () => {
  const { budget, clock } = stage()
  enter(budget)
  delivering(budget, 40)
  const [two, three] = [enter(budget), enter(budget)]
  const wishes = [two.resize(40), three.resize(5)] as const
  await turn()
  const other = two.resize(10)
  assert.deepEqual(await fates(...wishes, other), [false, true, true])
  assert.deepEqual([budget.usedBytes, clock.sleepers], [55, 0])
})

test('a message that requests too much instead of waiting makes room for others', async () => {
  const { budget } = stage()
  enter(budget)
  delivering(budget, 40)
  const [two, three] = [enter(budget), enter(budget)]
  const wishes = [two.resize(40), three.resize(5)] as const
  assert.deepEqual(await fates(...wishes), ['waits', 'waits'])
  assert.deepEqual(await fates(two.resize(41), ...wishes), [false, false, true])
})

test('the limit is for the sum of all waits of a message, and a message that reaches it makes room for others', async () => {
  const { budget, clock } = stage()
  enter(budget)
  const delivery = delivering(budget, 40)
  const [two, three] = [enter(budget), enter(budget)]
  const first = two.resize(30)
  clock.advance(6)
  delivery.resize(30)
  assert.equal(await fate(first), true)
  clock.advance(100)
  const wishes = [two.resize(40), three.resize(1)] as const
  delivery.resize(29)
  clock.advance(3)
  assert.deepEqual(await fates(...wishes), ['waits', 'waits'])
  clock.advance(1)
  assert.deepEqual(await fates(...wishes), [false, true])
  // What it has it keeps until it gives it back.
  assert.equal(budget.usedBytes, 60)
  assert.equal(await fate(two.resize(40)), false)
  assert.equal(two.resize(1), true)
  assert.equal(clock.sleepers, 0)
})

test('memory that becomes free at the moment at which a wait ends is counted once, whichever is first', async () => {
  for (const roomFirst of [true, false]) {
    const { budget, clock } = stage({ totalBytes: 40 })
    const delivery = delivering(budget, 40)
    const share = budget.open()
    const wish = share.resize(40)
    const steps = [() => delivery.release(), () => clock.advance(10)]
    for (const step of roomFirst ? steps : steps.reverse()) step()
    assert.equal(await fate(wish), true)
    assert.deepEqual([budget.usedBytes, budget.waiting, clock.sleepers], [40, 0, 0])
    share.release()
    assert.equal(budget.usedBytes, 0)
  }
})

test('ten thousand messages that wait all get memory, in the order of age', async () => {
  const budget = new MemoryBudget({ totalBytes: 40, largestBytes: 40, maxWaitMs: 20_000 })
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

test('large messages never take the reserve, and a small one gets it at once, even while older ones wait', async () => {
  const { budget } = stage({ totalBytes: 110, reservedBytes: 30, smallBytes: 10 })
  const [one, two, three] = [budget.open(), budget.open(), budget.open()]
  assert.deepEqual([one.resize(40), two.resize(40)], [true, true])
  const request = three.resize(40)
  assert.equal(await fate(request), 'waits')
  const small = [budget.open(), budget.open()]
  assert.deepEqual([small[0]!.resize(4), small[1]!.resize(10), small[0]!.resize(10)], [true, true, true])
  assert.deepEqual([budget.usedBytes, budget.waiting], [100, 1])
  small[1]!.release()
  assert.equal(await fate(request), 'waits')
})

test('a message that has only begun withholds nothing from large ones', () => {
  const { budget } = stage({ reservedBytes: 20, smallBytes: 10 })
  assert.equal(budget.open().resize(1), true)
  const large = [budget.open(), budget.open()]
  assert.deepEqual([large[0]!.resize(40), large[1]!.resize(40)], [true, true])
})

test('small messages may hold what large ones leave, and those that wait get what is free first', async () => {
  const { budget } = stage({ totalBytes: 60, reservedBytes: 20, smallBytes: 10 })
  const delivery = budget.open()
  assert.equal(delivery.resize(30), true)
  delivery.complete()
  const small = Array.from({ length: 3 }, () => delivering(budget, 10))
  const requests = [10, 9, 8].map(bytes => budget.open().resize(bytes))
  assert.deepEqual(await fates(...requests), ['waits', 'waits', 'waits'])
  small[0]!.release()
  assert.deepEqual(await fates(...requests), [true, 'waits', 'waits'])
  delivery.release()
  assert.deepEqual(await fates(...requests), [true, true, 'waits'])
})

test('a message that grows moves to the large ones, and then releases its part of the reserve', async () => {
  const { budget } = stage({ totalBytes: 60, reservedBytes: 20, smallBytes: 10 })
  const growing = budget.open()
  assert.equal(growing.resize(10), true)
  const delivery = delivering(budget, 40)
  const request = growing.resize(30)
  const small = [budget.open(), budget.open()]
  assert.equal(await fate(request), 'waits')
  assert.equal(small[0]!.resize(10), true)
  const late = small[1]!.resize(1)
  assert.deepEqual(await fates(request, late), ['waits', 'waits'])
  delivery.release()
  assert.deepEqual(await fates(request, late), [true, true])
  assert.equal(budget.usedBytes, 41)
})

test('a message whose wait to move timed out holds what it held, and is small', async () => {
  const { budget, clock } = stage({ totalBytes: 60, reservedBytes: 20, smallBytes: 10 })
  const growing = budget.open()
  assert.equal(growing.resize(4), true)
  delivering(budget, 40)
  const request = growing.resize(30)
  clock.advance(10)
  assert.equal(await fate(request), false)
  assert.deepEqual([budget.usedBytes, budget.waiting, clock.sleepers], [44, 0, 0])
  assert.deepEqual([budget.open().resize(10), growing.resize(10)], [true, true])
  growing.release()
  assert.equal(budget.usedBytes, 50)
})

test('without limits no message waits', () => {
  for (const largestBytes of [1e9, Number.POSITIVE_INFINITY]) {
    const budget = new MemoryBudget({ totalBytes: Number.POSITIVE_INFINITY, largestBytes, maxWaitMs: 0 })
    for (let n = 0; n < 3; n++) assert.equal(budget.open().resize(1e9), true)
  }
})

test('the smallest budget has room for one message of the largest size and the whole reserve', () => {
  for (const largestBytes of [1, 100_000, 1_000_000, 8_000_000, 42_000_001, 1e9]) {
    const totalBytes = minBudgetBytes(largestBytes)
    const budget = new MemoryBudget({ totalBytes, largestBytes, maxWaitMs: 0 })
    const large = budget.open()
    assert.equal(large.resize(largestBytes), true)
    large.complete()
    const reservedBytes = Math.max(4 * Math.min(smallBytes, largestBytes), Math.floor(totalBytes / 8))
    assert.ok(totalBytes - largestBytes >= reservedBytes)
    assert.ok(totalBytes - largestBytes <= reservedBytes + 1, 'not more than needed')
    let usedBytes = largestBytes
    while (usedBytes < largestBytes + reservedBytes) {
      const bytes = Math.min(smallBytes, largestBytes, largestBytes + reservedBytes - usedBytes)
      delivering(budget, bytes)
      usedBytes += bytes
    }
  }
})

/** A message of which a lot has come at once. */
function holder(budget: MemoryBudget, bytes: number, address = 'client') {
  const evictions: Eviction[] = []
  const share = budget.open(address, why => evictions.push(why))
  assert.equal(share.resize(bytes, 1e6), true)
  return { share, bytes, evictions }
}

test('while a message waits, messages that are silent lose their memory, the most silent one first', async () => {
  const { budget, clock } = stage({ totalBytes: 75, maxWaitMs: 20_000 })
  const first = holder(budget, 30)
  clock.advance(1000)
  const second = holder(budget, 30)
  clock.advance(8000)
  const request = budget.open().resize(40)
  clock.advance(999)
  assert.deepEqual([await fate(request), first.evictions], ['waits', []])
  clock.advance(1)
  assert.deepEqual([await fate(request), first.evictions, second.evictions], ['waits', ['slow'], []])
  assert.equal(budget.usedBytes, 30)
  clock.advance(999)
  assert.deepEqual([await fate(request), second.evictions], ['waits', []])
  clock.advance(1)
  assert.deepEqual([await fate(request), second.evictions], [true, ['slow']])
  assert.deepEqual([budget.usedBytes, budget.waiting, clock.sleepers], [40, 0, 0])
  assert.equal(await second.share.resize(1), false)
})

test('no more messages are evicted than necessary', async () => {
  const { budget, clock } = stage({ maxWaitMs: 20_000 })
  const silent = [20, 20, 20].map(bytes => {
    clock.advance(1)
    return holder(budget, bytes)
  })
  clock.advance(10_000)
  const request = budget.open().resize(40)
  clock.advance(1000)
  assert.equal(await fate(request), true)
  assert.deepEqual(
    silent.map(({ evictions }) => evictions),
    [['slow'], [], []],
  )
})

test('a silent message is not evicted while no message waits', async () => {
  const { budget, clock } = stage()
  const { share, evictions } = holder(budget, 40)
  clock.advance(1e9)
  await turn()
  assert.deepEqual([evictions, share.resize(20), clock.sleepers], [[], true, 0])
})

test('content that arrives at the minimum rate is fast enough, and slower content is not', async () => {
  // Ten seconds' worth has come at once. At half of the rate half a second of it is used up in each second.
  for (const [rate, evictedAfter] of [
    [minBytesPerSecond, undefined],
    [minBytesPerSecond / 2, 19],
  ] as const) {
    const { budget, clock } = stage({ totalBytes: 80, maxWaitMs: 100_000 })
    const { share, evictions } = holder(budget, 40)
    delivering(budget, 40)
    const request = budget.open().resize(1)
    let seconds = 0
    while (evictions.length === 0 && seconds < 60) {
      clock.advance(1000)
      await turn()
      seconds++
      share.resize(40, rate)
    }
    assert.equal(evictions.length === 0 ? undefined : seconds, evictedAfter)
    assert.equal(await fate(request), evictedAfter === undefined ? 'waits' : true)
  }
})

test('a message that waits for memory is not slow, and then has the whole time again', async () => {
  const { budget, clock } = stage({ totalBytes: 80, maxWaitMs: 60_000 })
  delivering(budget, 40)
  const delivery = delivering(budget, 20)
  const { share, evictions } = holder(budget, 20)
  const request = share.resize(40)
  for (let seconds = 0; seconds < 15; seconds++) {
    clock.advance(1000)
    assert.equal(await fate(request), 'waits')
  }
  delivery.release()
  assert.equal(await fate(request), true)
  const other = budget.open().resize(1)
  for (let seconds = 0; seconds < 9; seconds++) {
    clock.advance(1000)
    assert.equal(await fate(other), 'waits')
  }
  assert.deepEqual(evictions, [])
  clock.advance(1000)
  assert.deepEqual([await fate(other), evictions], [true, ['slow']])
})

test('a message that is received is never evicted', async () => {
  const { budget, clock } = stage({ totalBytes: 40, maxWaitMs: 60_000 })
  const { share, evictions } = holder(budget, 40)
  share.complete()
  const request = budget.open().resize(1)
  for (let seconds = 0; seconds < 30; seconds++) {
    clock.advance(1000)
    await turn()
  }
  assert.deepEqual([await fate(request), evictions], ['waits', []])
})

test('a small message is evicted for another small one only, and after the large ones', async () => {
  const { budget, clock } = stage({ totalBytes: 60, reservedBytes: 20, smallBytes: 10, maxWaitMs: 60_000 })
  const small = [holder(budget, 10), holder(budget, 10)]
  delivering(budget, 10)
  clock.advance(1)
  const large = holder(budget, 30)
  clock.advance(20_000)
  const share = budget.open()
  const request = share.resize(10)
  clock.advance(1000)
  assert.equal(await fate(request), true)
  share.complete()
  assert.deepEqual([small[0]!.evictions, large.evictions], [[], ['slow']])
  delivering(budget, 20)
  const late = budget.open().resize(30)
  clock.advance(1000)
  assert.deepEqual([await fate(late), small[0]!.evictions], ['waits', []])
  const next = budget.open().resize(5)
  clock.advance(1000)
  assert.deepEqual([await fate(next), small[0]!.evictions, small[1]!.evictions], [true, ['slow'], []])
})

/** Two messages of one client, which hold more than half, and one of another client that waits. Content is fast. */
function crowd(address: string) {
  const { budget, clock } = stage({ maxWaitMs: 20_000 })
  const holders = [holder(budget, 30, 'a'), holder(budget, 30, 'a')]
  const request = budget.open(address).resize(40)
  const pass = (seconds: number) => passFast(clock, seconds, ...holders)
  return { budget, holders, request, pass }
}

test('a client that holds more than its share grows only if no other client waits, except for its oldest message', async () => {
  const { holders, request } = crowd('b')
  assert.equal(await fate(request), 'waits')
  const more = holders[1]!.share.resize(35)
  assert.deepEqual([await fate(more), holders[0]!.share.resize(35)], ['waits', true])
  holders[0]!.share.release()
  assert.deepEqual(await fates(request, more), [true, true])
})

test('of messages that wait, those of a client that holds more than its share come last', async () => {
  const { budget } = stage({ totalBytes: 80 })
  const [first, second] = [holder(budget, 40, 'a'), holder(budget, 2, 'a')]
  delivering(budget, 38)
  const requests = [
    second.share.resize(20),
    budget.open('b').resize(10),
    budget.open('c').resize(11),
  ] as const
  assert.deepEqual(await fates(...requests), ['waits', 'waits', 'waits'])
  first.share.resize(30)
  assert.deepEqual(await fates(...requests), ['waits', 'waits', 'waits'])
})

test('a message waits half of its time for messages of a client with more than its share; then the youngest is evicted', async () => {
  const { holders, request, pass } = crowd('b')
  await pass(9)
  assert.deepEqual([await fate(request), holders[1]!.evictions], ['waits', []])
  await pass(1)
  assert.equal(await fate(request), true)
  assert.deepEqual([holders[0]!.evictions, holders[1]!.evictions], [[], ['share']])
})

/** Lets seconds pass in which content keeps coming for all of these. */
async function passFast(clock: ManualClock, seconds: number, ...held: readonly ReturnType<typeof holder>[]) {
  for (let n = 0; n < seconds; n++) {
    clock.advance(1000)
    for (const { share, bytes, evictions } of held) if (evictions.length === 0) share.resize(bytes, 1e6)
    await turn()
  }
}

test('messages of a client are evicted no further than its share, although others still wait', async () => {
  const { budget, clock } = stage({ maxWaitMs: 20_000 })
  const held = [holder(budget, 30, 'a'), holder(budget, 25, 'a')]
  delivering(budget, 30)
  const request = budget.open('b').resize(40)
  await passFast(clock, 15, ...held)
  assert.equal(await fate(request), 'waits')
  assert.deepEqual([held[0]!.evictions, held[1]!.evictions], [[], ['share']])
})

test('messages of a client are evicted no further than others wait, although it holds more than its share', async () => {
  const { budget, clock } = stage({ maxWaitMs: 20_000 })
  const held = [40, 20, 20].map(bytes => holder(budget, bytes, 'a'))
  const request = budget.open('b').resize(30)
  await passFast(clock, 10, ...held)
  assert.equal(await fate(request), true)
  assert.deepEqual(
    held.map(({ evictions }) => evictions),
    [[], [], ['share']],
  )
})

test('a message that waits to move is not evicted for a share of a pool in which it holds nothing', async () => {
  const { budget, clock } = stage({ totalBytes: 120, reservedBytes: 20, smallBytes: 10, maxWaitMs: 20_000 })
  const held = [holder(budget, 30, 'a'), holder(budget, 30, 'a')]
  const small = holder(budget, 5, 'a')
  const request = budget.open('b').resize(40)
  const move = small.share.resize(20)
  await passFast(clock, 10, ...held)
  assert.deepEqual(await fates(request, move), [true, true])
  assert.deepEqual([held[0]!.evictions, held[1]!.evictions, small.evictions], [[], ['share'], []])
})

test('large messages of a client with more than its share are evicted for a small message, too', async () => {
  const { budget, clock } = stage({ totalBytes: 120, reservedBytes: 20, smallBytes: 10, maxWaitMs: 20_000 })
  delivering(budget, 10)
  delivering(budget, 10)
  const held = [holder(budget, 40, 'a'), holder(budget, 30, 'a')]
  delivering(budget, 30)
  const request = budget.open('b').resize(10)
  await passFast(clock, 10, ...held)
  assert.equal(await fate(request), true)
  assert.deepEqual([held[0]!.evictions, held[1]!.evictions], [[], ['share']])
})

test('a client that is alone has no limited share', async () => {
  const { holders, request, pass } = crowd('a')
  assert.equal(holders[1]!.share.resize(35), true)
  await pass(19)
  assert.equal(await fate(request), 'waits')
  assert.deepEqual([holders[0]!.evictions, holders[1]!.evictions], [[], []])
})

test('addresses that count as one client share what it may hold', async () => {
  const { budget } = stage({ clientOf: address => address.slice(0, 2) })
  holder(budget, 30, 'a:1')
  const second = holder(budget, 30, 'a:2')
  const request = budget.open('a:3').resize(40)
  assert.equal(second.share.resize(31), true)
  const other = budget.open('b:1').resize(40)
  const more = second.share.resize(32)
  assert.deepEqual(await fates(request, other, more), ['waits', 'waits', 'waits'])
})

/** What the test knows of a message from the outside. */
interface Seen {
  readonly share: Reservation
  readonly address: string
  readonly openedMs: number
  bytes: number
  state: 'received' | 'complete' | 'released' | 'evicted'
  request: { bytes: number; sinceMs: number; waits: boolean; refusable: boolean } | undefined
  waitedMs: number
  /** When it last waited, if it has. */
  waitEndedMs: number
  readonly arrivals: { readonly atMs: number; readonly bytes: number }[]
  /** Its place in the order of those that have held or wait for something. */
  entered: number | undefined
  hasHeld: boolean
  /** It has held more than a small message may. */
  wasLarge: boolean
  /** The reserve had room for it each time that it grew. */
  alwaysHadRoom: boolean
}

type Step =
  | { readonly type: 'nothing' }
  | { readonly type: 'open'; readonly address: number }
  /** A message that is received and does not wait gets longer, by some content. */
  | { readonly type: 'grow'; readonly mail: number; readonly bytes: number; readonly receivedBytes: number }
  /** Any message, in any state, requests this number of bytes. */
  | { readonly type: 'resize'; readonly mail: number; readonly bytes: number }
  | { readonly type: 'complete' | 'release'; readonly mail: number }

const anyMail = fc.noBias(fc.nat(1000))
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('open'), address: fc.nat(20) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant('grow'),
      mail: anyMail,
      bytes: fc.integer({ min: 1, max: 25 }),
      receivedBytes: fc.constantFrom(0, 100, 3000, 20_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('resize'), mail: anyMail, bytes: fc.nat(50) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('complete'), mail: anyMail }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('release'), mail: anyMail }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('nothing') }) },
)

function pick({ type, mail }: Extract<Step, { mail: number }>, mails: readonly Seen[]): Seen | undefined {
  const eligible = mails.filter(({ state, request }) => {
    if (type === 'grow') return state === 'received' && request === undefined
    return type === 'resize' || state === 'received' || state === 'complete'
  })
  return eligible[mail % Math.max(1, eligible.length)]
}

function heldBy(mails: readonly Seen[], those: (mail: Seen) => boolean = () => true): number {
  return mails.reduce((sum, mail) => sum + (those(mail) ? mail.bytes : 0), 0)
}

const budgets = fc.record({
  totalBytes: fc.constantFrom(1, 30, 60, 100),
  largestBytes: fc.constantFrom(1, 20, 30, 45),
  reservedBytes: fc.constantFrom(0, 0, 20, 40),
  smallBytes: fc.constantFrom(5, 10),
  maxWaitMs: fc.constantFrom(0, 4000, 15_000, 60_000, long),
})
// Time passes before a step, and nothing else happens in between: things come in the same moment.
const steps = fc.array(fc.tuple(fc.constantFrom(0, 0, 0, 300, 1000, 5000), step), {
  maxLength: 100,
  size: 'max',
})

test('whatever clients do, and when: memory is counted exactly and granted in order, and no message waits without need', async () => {
  let [granted, refused, late, atOnce] = [0, 0, 0, 0]
  const evicted = { slow: 0, share: 0 }
  await fc.assert(
    fc.asyncProperty(budgets, fc.constantFrom(1, 2, 4), steps, async (rules, clients, steps) => {
      const { totalBytes, maxWaitMs } = rules
      const largestBytes = Math.min(rules.largestBytes, totalBytes)
      const reservedBytes = Math.min(rules.reservedBytes, totalBytes - largestBytes)
      const small = Math.min(rules.smallBytes, largestBytes, reservedBytes)
      const { budget, clock } = stage(rules)
      const mails: Seen[] = []
      const complaints: string[] = []
      const served: Seen[] = []
      let entered = 0
      const waiting = () => mails.filter(({ request }) => request?.waits === true)

      function open(address: string): void {
        const share = budget.open(address, why => {
          evict(mail, why)
          evicted[why]++
        })
        const mail: Seen = {
          share,
          address,
          openedMs: clock.now(),
          bytes: 0,
          state: 'received',
          request: undefined,
          waitedMs: 0,
          waitEndedMs: Number.NEGATIVE_INFINITY,
          arrivals: [],
          entered: undefined,
          hasHeld: false,
          wasLarge: false,
          alwaysHadRoom: true,
        }
        mails.push(mail)
      }

      function evict(mail: Seen, why: Eviction): void {
        const now = clock.now()
        const complain = (text: string) => complaints.push(`evicted (${why}) ${text}`)
        // Answers come later, so that a message that waited before still counts as waiting.
        const others = waiting().filter(other => other !== mail)
        if (others.length === 0) complain('though no other waits')
        if (!mail.wasLarge && others.every(({ request }) => request!.bytes > small) && mail.alwaysHadRoom)
          complain('a small one for large ones')
        if (mail.state !== 'received') complain('though it is not received')
        if (why === 'slow') {
          if (mail.request?.waits) complain('while it waits')
          if (now - Math.max(mail.openedMs, mail.waitEndedMs) < rateWindowMs) complain('too early')
          const recent = mail.arrivals.filter(({ atMs }) => atMs > now - rateWindowMs)
          const bytes = recent.reduce((sum, { bytes }) => sum + bytes, 0)
          if (bytes > (minBytesPerSecond * rateWindowMs) / 1000) complain(`after ${bytes} bytes`)
        } else {
          const overdue = others.filter(
            ({ address, request, waitedMs }) =>
              address !== mail.address && (now - request!.sinceMs) * 2 >= maxWaitMs - waitedMs,
          )
          if (overdue.length === 0) complain('though no other client waits')
          // A small message may be in either pool.
          const largePool = totalBytes - reservedBytes
          const least = mail.wasLarge ? largePool : Math.min(reservedBytes, largePool)
          // What it has been granted in this moment is not known yet.
          const bytes = mails
            .filter(({ address }) => address === mail.address)
            .reduce((sum, { bytes, request }) => sum + Math.max(bytes, request?.bytes ?? 0), 0)
          if (bytes * 2 <= least) complain('too little')
        }
        if (mail.request !== undefined) mail.request.refusable = true
        mail.state = 'evicted'
        mail.bytes = 0
      }

      function has(mail: Seen, bytes: number): void {
        if (bytes > mail.bytes) served.push(mail)
        if (bytes > 0) mail.hasHeld = true
        mail.bytes = bytes
        if (bytes > small) mail.wasLarge = true
      }

      function ask(mail: Seen, bytes: number, receivedBytes = 0): void {
        // A message that asks again before it held anything is at the end again.
        if (mail.request !== undefined && !mail.hasHeld) mail.entered = undefined
        const before = heldBy(mails, ({ wasLarge }) => !wasLarge)
        mail.alwaysHadRoom &&= !mail.wasLarge && bytes <= small && before + 2 * small <= reservedBytes
        mail.arrivals.push({ atMs: clock.now(), bytes: receivedBytes })
        const answer = mail.share.resize(bytes, receivedBytes)
        if (answer === true) {
          if (mail.alwaysHadRoom && bytes > mail.bytes && waiting().length > 0) atOnce++
          if (bytes > 0) mail.entered ??= entered++
          has(mail, bytes)
          return
        }
        if (mail.alwaysHadRoom && mail.state === 'received')
          complaints.push('a small message waits though the reserve has room')
        const refusable = mail.state !== 'received' || bytes > largestBytes || mail.waitedMs >= maxWaitMs
        const request = { bytes, sinceMs: clock.now(), waits: !refusable, refusable }
        if (!refusable) mail.entered ??= entered++
        mail.request = request
        answer.then(yes => {
          const waitedMs = clock.now() - request.sinceMs
          mail.waitedMs += waitedMs
          if (!refusable) mail.waitEndedMs = clock.now()
          if (yes) {
            // It may be granted and evicted in the same moment.
            if (mail.state === 'received') has(mail, bytes)
            else if (mail.state !== 'evicted') complaints.push('granted to a message that does not grow')
            granted++
            if (mail.waitedMs >= maxWaitMs) late++
          } else {
            if (!request.refusable && mail.waitedMs < maxWaitMs)
              complaints.push('refused though it could wait')
            if (mail.request === request && !mail.hasHeld) mail.entered = undefined
            refused++
          }
          if (mail.request === request) mail.request = undefined
        })
      }

      for (const [passedMs, step] of steps) {
        clock.advance(passedMs)
        const mail = 'mail' in step ? pick(step, mails) : undefined
        if (step.type === 'open') open(`client ${step.address % clients}`)
        else if (mail !== undefined) {
          if (mail.request) mail.request.refusable = true
          if (step.type === 'resize') ask(mail, step.bytes)
          if (step.type === 'grow')
            ask(mail, Math.min(mail.bytes + step.bytes, largestBytes), step.receivedBytes)
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

        const now = clock.now()
        assert.deepEqual(complaints, [])
        const usedBytes = heldBy(mails)
        assert.equal(budget.usedBytes, usedBytes, 'exact')
        assert.ok(usedBytes <= totalBytes, 'never above the total')
        assert.ok(heldBy(mails, ({ wasLarge }) => wasLarge) <= totalBytes - reservedBytes, 'the reserve')
        const queue = waiting()
        assert.equal(budget.waiting, queue.length)
        assert.equal(clock.sleepers, queue.length + Math.sign(queue.length), 'a timer was not cancelled')
        for (const { waitedMs, request } of queue) {
          assert.ok(waitedMs + now - request!.sinceMs < maxWaitMs, 'waits too long')
          const freeBytes = totalBytes - usedBytes - reservedBytes
          assert.ok(freeBytes < 2 * largestBytes, 'waits though there is room for all')
          if (request!.bytes <= small || now - request!.sinceMs < 1000) continue
          for (const { state, wasLarge, request, openedMs, waitEndedMs, arrivals } of mails) {
            if (state !== 'received' || !wasLarge || request !== undefined) continue
            const heardMs = Math.max(openedMs, waitEndedMs, ...arrivals.map(({ atMs }) => atMs))
            assert.ok(
              now - heardMs < rateWindowMs + 1000,
              'a silent message holds memory that others wait for',
            )
          }
        }

        // With one pool and one client all are in one order.
        const inOrder = mails
          .filter(({ state, entered }) => state === 'received' && entered !== undefined)
          .sort((a, b) => a.entered! - b.entered!)
        const [oldest] = inOrder
        const first = inOrder.find(({ request }) => request !== undefined)
        if (reservedBytes === 0 && oldest !== undefined) {
          const wantedBytes = largestBytes - oldest.bytes
          const comingBytes = heldBy(mails, ({ state }) => state === 'complete')
          assert.ok(totalBytes - usedBytes + comingBytes >= wantedBytes, 'the oldest could wait for ever')
          if (clients === 1 && first !== undefined) {
            for (const { entered = 0 } of served) assert.ok(entered < first.entered!, 'overtakes')
            const neededBytes = first.request!.bytes - first.bytes + (first === oldest ? 0 : wantedBytes)
            assert.ok(usedBytes + neededBytes > totalBytes, 'waits though there is room')
          }
        }
        served.length = 0
      }

      for (const { share } of mails) share.release()
      assert.deepEqual([budget.usedBytes, budget.waiting], [0, 0])
      await turn()
      assert.equal(clock.sleepers, 0)
    }),
    { numRuns: 3000 },
  )
  // The cases that matter were among them.
  const seen = { granted, refused, late, atOnce, ...evicted }
  const enough = granted > 1000 && refused > 1000 && late > 5 && atOnce > 100
  assert.ok(enough && evicted.slow > 100 && evicted.share > 100, JSON.stringify(seen))
})

/** A client that sends a message in chunks with a delay between them. After that the delivery takes some time. */
const journey = fc.record({
  startMs: fc.nat(20),
  chunks: fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 30 })), { minLength: 1, maxLength: 6 }),
  deliveryMs: fc.nat(50),
  vanishesAfterMs: fc.option(fc.nat(60)),
  address: fc.constantFrom('a', 'b', 'c'),
})

test('clients that continue all get memory while deliveries end, or are refused after their maximum wait', async () => {
  const journeys = fc.array(journey, { minLength: 1, maxLength: 12, size: 'max' })
  const memory = fc.integer({ min: 1, max: 80 }).chain(largestBytes =>
    fc.record({
      largestBytes: fc.constant(largestBytes),
      totalBytes: fc.integer({ min: largestBytes, max: 120 }),
      reservedBytes: fc.constantFrom(0, 20, 40),
      smallBytes: fc.constantFrom(10, 20),
    }),
  )
  const patience = fc.constantFrom(long, 0, 1, 7, 30)
  let waited = 0
  await fc.assert(
    fc.asyncProperty(memory, journeys, patience, async (memory, journeys, maxWaitMs) => {
      const clock = new FastClock()
      const budget = new MemoryBudget({ ...memory, maxWaitMs, clock })
      await Promise.all(
        journeys.map(async ({ startMs, chunks, deliveryMs, vanishesAfterMs, address }) => {
          await clock.sleep(startMs)
          const share = budget.open(address, why => assert.fail(why))
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
            assert.ok(waitedMs <= maxWaitMs, `${waitedMs} ms`)
            if (granted) continue
            assert.ok(gone || waitedMs === maxWaitMs, 'refused too early')
            assert.ok(gone || maxWaitMs < long, 'no message continues')
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
