import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SiegeReport } from './report.ts'
import { Siege } from './siege.ts'

// `npm run siege` does the same with 10,000 connections for a longer time.

test('the program survives attacks of all kinds, and serves other clients meanwhile', {
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
  const outcome = await SiegeReport.of(siege)
  assert.ok(outcome.holds, outcome.text)
})
