import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RateLimiter } from '../../src/relay/limits/rate-limiter.ts'
import { FastClock } from '../support/fast-clock.ts'

const forever = Number.POSITIVE_INFINITY

test('no limit lets everybody go at once', async () => {
  const clock = new FastClock()
  const pace = new RateLimiter(0, clock)
  for (let n = 0; n < 100; n++) await pace.acquire(50, 0)
  assert.deepEqual(clock.sleeps, [])
})

test("one second's worth goes at once, the rest at the pace", async () => {
  assert.deepEqual(await starts(4, [1, 1, 1, 1, 1, 1, 1]), [0, 0, 0, 0, 250, 500, 750])
})

test('a call of more than the bucket holds goes when it is full, and those behind pay for it', async () => {
  assert.deepEqual(await starts(10, [1, 50, 1]), [0, 100, 5100 - 1000 + 100])
})

test('a pause fills the bucket, and not more than the bucket', async () => {
  const clock = new FastClock()
  const pace = new RateLimiter(2, clock)
  await pace.acquire(2, 0)
  clock.pass(60_000)
  for (const _ of [1, 2, 3]) await pace.acquire(1, forever)
  assert.deepEqual(clock.sleeps, [500])
})

test('who would wait longer than patience is refused at once, and takes no place', async () => {
  const clock = new FastClock()
  const pace = new RateLimiter(1, clock)
  await pace.acquire(10, 0)
  await assert.rejects(pace.acquire(1, 9_999), { name: 'SendRateExceeded' })
  await pace.acquire(1, 10_000)
  assert.deepEqual(clock.sleeps, [10_000])
})

test('who has no patience left goes where there is room', async () => {
  const clock = new FastClock()
  const pace = new RateLimiter(2, clock)
  await pace.acquire(1, -700)
  await pace.acquire(1, -700)
  await assert.rejects(pace.acquire(1, -700), { message: '2 recipients a second leave no room for 1 s' })
  assert.deepEqual(clock.sleeps, [])
})

test('a pace that changes is heeded by the next call', async () => {
  const clock = new FastClock()
  const pace = new RateLimiter(1, clock)
  await pace.acquire(1, 0)
  pace.perSecond = 0
  await pace.acquire(50, 0)
  pace.perSecond = 100
  clock.pass(1000)
  await pace.acquire(100, 0)
  assert.deepEqual(clock.sleeps, [])
})

test('calls go in their order, and never more in any time than its worth and one bucket or call', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 200 }), sizes, async (perSecond, sizes) => {
      const times = await starts(perSecond, sizes)
      for (const [first, from] of times.entries()) {
        let sum = 0
        for (let last = first; last < times.length; last++) {
          assert.ok(times[last]! >= (times[last - 1] ?? 0) - 1e-6, 'out of order')
          const allowed = perSecond * (1 + (times[last]! - from) / 1000)
          assert.ok(sum + Math.min(sizes[last]!, perSecond) <= allowed + 1e-6, `${sum} in ${allowed}`)
          sum += sizes[last]!
        }
      }
      // And not slower than that: all but the last second's worth is paid for when the last call goes.
      const before = sizes.slice(0, -1).reduce((sum, size) => sum + size, 0)
      assert.ok(
        times.at(-1)! <=
          Math.max(0, ((before + Math.min(sizes.at(-1)!, perSecond)) * 1000) / perSecond - 1000) + 1e-6,
      )
    }),
    { numRuns: 200 },
  )
})

/** When calls of these sizes may go if all come at once. */
async function starts(perSecond: number, sizes: readonly number[]): Promise<number[]> {
  const clock = new FastClock()
  const pace = new RateLimiter(perSecond, clock)
  return Promise.all(
    sizes.map(async size => {
      await pace.acquire(size, forever)
      return clock.now()
    }),
  )
}
