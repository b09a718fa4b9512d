import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RateLimiter } from '../../src/relay/limits/rate-limiter.ts'
import { trackSendQuota } from '../../src/relay/limits/send-quota.ts'
import { turn } from './backend.ts'

const denied = Object.assign(new Error('no permission'), { name: 'AccessDenied' })

test("the rate is the account's send rate, which is requested again at intervals", async t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { limiter, stop } = follow([14, 20, -1, 0, 30])
  const seen = []
  for (let n = 0; n < 5; n++) {
    await turn()
    seen.push(limiter.perSecond)
    t.mock.timers.tick(600_000)
  }
  assert.deepEqual(seen, [14, 20, 0, 0, 30])
  stop()
})

test('without the permission messages are sent without a limit, and the operator is warned once', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { limiter, warnings, stop } = follow([denied, denied, 5, denied])
  for (let n = 0; n < 4; n++) {
    await turn()
    t.mock.timers.tick(600_000)
  }
  await turn()
  assert.equal(limiter.perSecond, 5)
  assert.deepEqual(warnings, [
    "The account's send rate is unknown, mail is sent without a limit: AccessDenied: no permission",
    "The account's send rate is unknown, the earlier rate of 5 per second stays in use: AccessDenied: no permission",
  ])
  stop()
})

test('an answer that is not a number does not remove the limit', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { limiter, warnings, stop } = follow([14, Number.NaN])
  await turn()
  t.mock.timers.tick(600_000)
  await turn()
  assert.equal(limiter.perSecond, 14)
  assert.deepEqual(warnings, [
    "The account's send rate is unknown, the earlier rate of 14 per second stays in use: Error: the send rate is not a number",
  ])
  stop()
})

test('after it was stopped it sends no more requests', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { limiter, stop } = follow([14, 20])
  await turn()
  stop()
  t.mock.timers.tick(6_000_000)
  await turn()
  assert.equal(limiter.perSecond, 14)
})

function follow(answers: readonly (number | Error)[]) {
  const limiter = new RateLimiter()
  const warnings: string[] = []
  let asked = 0
  const ask = async () => {
    const answer = answers[Math.min(asked++, answers.length - 1)]!
    if (typeof answer === 'number') return answer
    throw answer
  }
  const stop = trackSendQuota(limiter, { ask, warn: text => warnings.push(text) })
  return { limiter, warnings, stop }
}
