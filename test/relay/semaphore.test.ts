import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Semaphore } from '../../src/support/semaphore.ts'
import { FastClock } from '../support/fast-clock.ts'
import { turn } from './backend.ts'

test('so many go at once, the others in the order in which they came', async () => {
  const gate = new Semaphore(2)
  const gone: number[] = []
  const all = Array.from({ length: 5 }, async (_, n) => {
    await gate.acquire(60_000)
    gone.push(n)
  })
  await turn()
  assert.deepEqual(gone, [0, 1])
  for (const expected of [3, 4, 5]) {
    gate.release()
    await turn()
    assert.equal(gone.length, expected)
  }
  await Promise.all(all)
  assert.deepEqual(gone, [0, 1, 2, 3, 4])
})

test('who comes when all have left goes at once', async () => {
  const gate = new Semaphore(1)
  for (const _ of [1, 2, 3]) {
    await gate.acquire(0)
    gate.release()
  }
})

test('who waits longer than patience is turned away, and its place goes to the next', async () => {
  const clock = new FastClock()
  const gate = new Semaphore(1, clock)
  await gate.acquire(0)
  const turnedAway = assert.rejects(gate.acquire(5_000), { name: 'TooManyCalls' })
  const patient = gate.acquire(10_000)
  await turnedAway
  assert.equal(clock.now(), 5_000)
  gate.release()
  await patient
  await assert.rejects(gate.acquire(-1), { message: 'as many calls as are allowed (1) are under way' })
  gate.release()
  await gate.acquire(0)
})

test('who is given a place at the moment when patience ends has it', async () => {
  let wake = () => {}
  const clock = { now: () => 0, sleep: () => new Promise<void>(resolve => (wake = resolve)) }
  const gate = new Semaphore(1, clock)
  await gate.acquire(0)
  const late = gate.acquire(5_000)
  wake()
  gate.release()
  await late
  await assert.rejects(
    Promise.all([gate.acquire(0), turn().then(wake)]),
    { name: 'TooManyCalls' },
    'the place was given twice',
  )
})

test('without a number everybody may pass', async () => {
  const gate = new Semaphore()
  for (let n = 0; n < 1000; n++) await gate.acquire(0)
})
