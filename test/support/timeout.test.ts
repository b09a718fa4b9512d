import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settlesWithin, withTimeout } from '../../src/support/timeout.ts'
import { FastClock } from './fast-clock.ts'

const never = new Promise<void>(() => {})

test('settlesWithin is true if the promise resolves or rejects in time, false if it does not', async () => {
  const clock = new FastClock()
  assert.equal(await settlesWithin(clock.sleep(10), 20, clock), true)
  assert.equal(await settlesWithin(Promise.reject(new Error('x')), 20, clock), true)
  assert.equal(await settlesWithin(never, 20, clock), false)
  assert.equal(await settlesWithin(never, -1, clock), false)
  assert.equal(await settlesWithin(never, 1), false)
})

test('withTimeout returns what the work returns, and rejects as it rejects', async () => {
  assert.equal(await withTimeout(1000, async () => 42), 42)
  const error = new Error('x')
  await assert.rejects(
    withTimeout(1000, () => Promise.reject(error)),
    error,
  )
})

test('withTimeout aborts the signal and rejects in time, although the work does not end', async () => {
  let aborted: AbortSignal | undefined
  const work = (signal: AbortSignal) => {
    aborted = signal
    return never
  }
  await assert.rejects(withTimeout(1, work), { name: 'TimeoutError', message: 'no answer within 1 ms' })
  assert.equal(aborted!.aborted, true)
})
