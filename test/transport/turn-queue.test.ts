import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TurnQueue } from '../../src/transport/index.ts'

const nextIteration = () => new Promise<void>(resolve => setImmediate(resolve))

test('connections run in their order, and one that yields again waits for the next iteration', async () => {
  const queue = new TurnQueue()
  const order: string[] = []
  queue.add(() => {
    order.push('first')
    queue.add(() => void order.push('first again'))
  })
  queue.add(() => void order.push('second'))
  assert.deepEqual(order, [])
  await nextIteration()
  assert.deepEqual(order, ['first', 'second'])
  await nextIteration()
  assert.deepEqual(order, ['first', 'second', 'first again'])
})

test('in one iteration connections run for a few milliseconds, however many wait', async () => {
  const queue = new TurnQueue()
  let turns = 0
  const busy = () => {
    turns++
    for (const begun = performance.now(); performance.now() - begun < 2; );
  }
  for (let times = 0; times < 30; times++) queue.add(busy)
  await nextIteration()
  assert.ok(turns >= 1 && turns <= 5, `${turns}`)
  queue.shorten()
  const before = turns
  await nextIteration()
  assert.equal(turns, before + 1, 'one that is begun is ended')
  for (let iterations = 0; turns < 30 && iterations < 30; iterations++) await nextIteration()
  assert.equal(turns, 30)
})
