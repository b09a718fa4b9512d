import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outcome } from './report.ts'
import { Siege } from './siege.ts'

// `npm run siege` does the same with ten thousand connections, for as long as one likes.

test('attackers of every kind do not end the program, and others are served meanwhile', {
  timeout: 120_000,
}, async t => {
  const siege = await Siege.start(t, {
    seed: Number(process.env.SEED ?? 1),
    ms: 12_000,
    connections: 500,
    memoryLimitBytes: 512 * 1024 * 1024,
    rate: 5,
  })
  await siege.run()
  const outcome = await Outcome.of(siege)
  assert.ok(outcome.holds, outcome.text)
})
