import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { emit } from '../../src/support/emit.ts'

test('errors of an event handler, thrown or rejected, do not reach the caller', async () => {
  const handled: number[] = []
  const rejections: unknown[] = []
  const onRejection = (reason: unknown) => rejections.push(reason)
  process.on('unhandledRejection', onRejection)
  try {
    emit(event => {
      handled.push(event)
      throw new Error('at once')
    }, 1)
    emit(async event => {
      handled.push(event)
      throw new Error('later')
    }, 2)
    emit(undefined, 3)
    // By then Node.js would have reported it.
    await setImmediate()
  } finally {
    process.off('unhandledRejection', onRejection)
  }
  assert.deepEqual(handled, [1, 2])
  assert.deepEqual(rejections, [])
})
