import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { tell } from '../../src/protocol/witness.ts'

test('whatever a witness does, at once or later, is its own affair', async () => {
  const heard: number[] = []
  const rejections: unknown[] = []
  const onRejection = (reason: unknown) => rejections.push(reason)
  process.on('unhandledRejection', onRejection)
  try {
    tell(event => {
      heard.push(event)
      throw new Error('at once')
    }, 1)
    tell(async event => {
      heard.push(event)
      throw new Error('later')
    }, 2)
    tell(undefined, 3)
    // By then Node.js would have said so.
    await setImmediate()
  } finally {
    process.off('unhandledRejection', onRejection)
  }
  assert.deepEqual(heard, [1, 2])
  assert.deepEqual(rejections, [])
})
