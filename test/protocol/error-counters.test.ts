import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCounters } from '../../src/protocol/error-counters.ts'
import { defaultLimits } from '../../src/protocol/index.ts'

function times<T>(count: number, action: () => T): T[] {
  return Array.from({ length: count }, action)
}

test('the first ten errors get a reply at once, the next nine after a pause, and the 20th closes the connection', () => {
  const counters = new ErrorCounters(defaultLimits)
  assert.deepEqual(
    times(20, () => counters.countError()),
    [...Array(10).fill('reply'), ...Array(9).fill('pause'), 'close'],
  )
})

test('junk commands and small chunks beyond their limits count as errors', () => {
  const limits = { ...defaultLimits, hardErrorLimit: 2, junkCommands: 3, smallChunks: 3 }
  for (const count of ['countJunkCommand', 'countSmallChunk'] as const) {
    const counters = new ErrorCounters(limits)
    assert.deepEqual(
      times(5, () => counters[count]()),
      [false, false, false, false, true],
    )
  }
})

test('the refusal that reaches the limit closes the connection', () => {
  const counters = new ErrorCounters({ ...defaultLimits, refusals: 3 })
  assert.deepEqual(
    times(3, () => counters.countRefusal()),
    [false, false, true],
  )
})

test('an accepted message resets all counters', () => {
  const counters = new ErrorCounters({
    ...defaultLimits,
    hardErrorLimit: 2,
    refusals: 2,
    junkCommands: 0,
    smallChunks: 0,
  })
  for (let round = 0; round < 3; round++) {
    assert.equal(counters.countError(), 'reply')
    assert.equal(counters.countRefusal(), false)
    counters.reset()
    assert.equal(counters.countJunkCommand(), false)
    counters.reset()
    assert.equal(counters.countSmallChunk(), false)
    counters.reset()
  }
})
