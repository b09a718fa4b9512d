import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConcurrencyLimit } from '../../src/auth/concurrency-limit.ts'

test('so many run at once, others wait in order, and who finds no room to wait is turned away', async () => {
  const turns = new ConcurrencyLimit(2, 3)
  const begun: number[] = []
  const finish: (() => void)[] = []
  const work = (n: number) =>
    turns.run(() => {
      begun.push(n)
      return new Promise<number>(resolve => finish.push(() => resolve(n)))
    })
  const all = [0, 1, 2, 3, 4].map(work)
  assert.deepEqual(begun, [0, 1])
  await assert.rejects(work(5), /^Error: 3 others wait already$/)
  for (const n of [0, 1, 2, 3, 4]) {
    finish[n]?.()
    assert.equal(await all[n], n)
  }
  assert.deepEqual(begun, [0, 1, 2, 3, 4])
})

test('work that fails gives its turn back', async () => {
  const turns = new ConcurrencyLimit(1, 1)
  await assert.rejects(turns.run(() => Promise.reject(new Error('no'))))
  assert.equal(await turns.run(async () => 'yes'), 'yes')
})
