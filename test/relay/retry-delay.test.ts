import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retryDelayMs } from '../../src/relay/retry-delay.ts'

test('there are four retries, each after twice the time of the one before, half of it random', () => {
  for (const [tries, longest] of [500, 1000, 2000, 4000].entries()) {
    const delays = Array.from({ length: 200 }, () => retryDelayMs(tries + 1)!)
    assert.ok(Math.min(...delays) >= longest / 2)
    assert.ok(Math.max(...delays) <= longest)
    assert.ok(Math.max(...delays) - Math.min(...delays) > longest / 4)
  }
  assert.equal(retryDelayMs(5), undefined)
})
