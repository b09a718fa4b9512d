import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Semaphore } from '../../src/support/semaphore.ts'
import { turn } from '../relay/backend.ts'
import { FastClock } from './fast-clock.ts'

test('callers beyond the permits wait, and get permits in the order in which they asked', async () => {
  const semaphore = new Semaphore(2)
  const running: number[] = []
  const all = Array.from({ length: 5 }, async (_, n) => {
    assert.ok(await semaphore.acquire())
    running.push(n)
  })
  await turn()
  assert.deepEqual(running, [0, 1])
  for (const expected of [3, 4, 5]) {
    semaphore.release()
    await turn()
    assert.equal(running.length, expected)
  }
  await Promise.all(all)
  assert.deepEqual(running, [0, 1, 2, 3, 4])
})

test('a permit that was given back is free again', async () => {
  const semaphore = new Semaphore(1)
  for (const _ of [1, 2, 3]) {
    assert.ok(await semaphore.acquire(0))
    semaphore.release()
  }
})

test('a caller that has waited as long as it may gets no permit, and the next caller gets it', async () => {
  const clock = new FastClock()
  const semaphore = new Semaphore(1, { clock })
  assert.ok(await semaphore.acquire(0))
  const first = semaphore.acquire(5_000)
  const second = semaphore.acquire(10_000)
  assert.equal(await first, false)
  assert.equal(clock.now(), 5_000)
  semaphore.release()
  assert.equal(await second, true)
  assert.equal(await semaphore.acquire(-1), false)
  semaphore.release()
  assert.ok(await semaphore.acquire(0))
})

test('a permit that comes at the moment at which the wait ends is not lost and not given twice', async () => {
  let wake = () => {}
  const clock = { now: () => 0, sleep: () => new Promise<void>(resolve => (wake = resolve)) }
  const semaphore = new Semaphore(1, { clock })
  assert.ok(await semaphore.acquire(0))
  const late = semaphore.acquire(5_000)
  wake()
  semaphore.release()
  assert.equal(await late, true)
  const [next] = await Promise.all([semaphore.acquire(0), turn().then(wake)])
  assert.equal(next, false)
})

test('if as many callers wait as may, the next one gets no permit, at once', async () => {
  const semaphore = new Semaphore(2, { maxWaiting: 3 })
  const permits = [0, 1, 2, 3, 4].map(() => semaphore.acquire())
  assert.equal(await semaphore.acquire(), false)
  for (const permit of permits) {
    assert.equal(await permit, true)
    semaphore.release()
  }
})

test('a semaphore may have permits without limit', async () => {
  const semaphore = new Semaphore(Number.POSITIVE_INFINITY)
  for (let n = 0; n < 1000; n++) assert.ok(await semaphore.acquire(0))
})
