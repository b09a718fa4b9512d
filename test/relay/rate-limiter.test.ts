import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RateLimiter } from '../../src/relay/limits/rate-limiter.ts'
import { FastClock } from '../support/fast-clock.ts'

const forever = Number.POSITIVE_INFINITY

test('without a limit every call is made at once', async () => {
  const clock = new FastClock()
  const limiter = new RateLimiter(0, clock)
  for (let n = 0; n < 100; n++) await limiter.acquire(50, 0)
  assert.deepEqual(clock.sleeps, [])
})

test('the recipients of one second are sent at once, the rest at the rate', async () => {
  assert.deepEqual(await starts(4, [1, 1, 1, 1, 1, 1, 1]), [0, 0, 0, 0, 250, 500, 750])
})

test('a call with more recipients than the bucket holds is made when the bucket is full, and the calls after it wait longer', async () => {
  assert.deepEqual(await starts(10, [1, 50, 1]), [0, 100, 5100 - 1000 + 100])
})

test('a pause fills the bucket, and no more than the bucket', async () => {
  const clock = new FastClock()
  const limiter = new RateLimiter(2, clock)
  await limiter.acquire(2, 0)
  clock.pass(60_000)
  for (const _ of [1, 2, 3]) await limiter.acquire(1, forever)
  assert.deepEqual(clock.sleeps, [500])
})

test('a call that would wait too long fails at once, and takes nothing from the bucket', async () => {
  const clock = new FastClock()
  const limiter = new RateLimiter(1, clock)
  await limiter.acquire(10, 0)
  await assert.rejects(limiter.acquire(1, 9_999), { name: 'SendRateExceeded' })
  await limiter.acquire(1, 10_000)
  assert.deepEqual(clock.sleeps, [10_000])
})

test('a call that may not wait is made if there is room', async () => {
  const clock = new FastClock()
  const limiter = new RateLimiter(2, clock)
  await limiter.acquire(1, -700)
  await limiter.acquire(1, -700)
  await assert.rejects(limiter.acquire(1, -700), {
    message: 'the limit of 2 recipients per second is used up for the next 1 s',
  })
  assert.deepEqual(clock.sleeps, [])
})

test('the next call uses a rate that has changed', async () => {
  const clock = new FastClock()
  const limiter = new RateLimiter(1, clock)
  await limiter.acquire(1, 0)
  limiter.perSecond = 0
  await limiter.acquire(50, 0)
  limiter.perSecond = 100
  clock.pass(1000)
  await limiter.acquire(100, 0)
  assert.deepEqual(clock.sleeps, [])
})

test('calls are made in order, and in any period never more than its recipients and one bucket or call', async () => {
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
  const limiter = new RateLimiter(perSecond, clock)
  return Promise.all(
    sizes.map(async size => {
      await limiter.acquire(size, forever)
      return clock.now()
    }),
  )
}
