import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restartDelayMs } from '../../src/program/workers/primary.ts'

test('the first restart is immediate, the delay doubles from 100 ms on, up to 30 s', () => {
  const delays = Array.from({ length: 12 }, (_, deaths) => restartDelayMs(deaths))
  assert.deepEqual(delays, [0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
  assert.equal(restartDelayMs(100_000), 30_000)
})
