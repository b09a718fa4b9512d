import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isClean, reportOf } from './report.ts'
import { Soak } from './soak.ts'

const restarts = 20

// Most of the time is spent waiting for drains and starts, so both tests run at the same time.
describe('twenty restarts', { concurrency: true }, () => {
  for (const workers of [1, 2]) {
    test(`twenty restarts under load lose no message and send none twice, with --workers ${workers}`, async t => {
      const soak = await Soak.start({
        seed: Number(process.env.SEED ?? 1),
        // It ends with the last restart. This is the limit for a slow machine.
        ms: 180_000,
        messages: Number.POSITIVE_INFINITY,
        rate: 100,
        clients: 32,
        workers,
        profile: 'restarts',
        disruptEveryMs: 100,
        maxDisruptions: restarts,
        drainMs: 8_000,
        upstreamMs: 5_000,
      })
      t.after(() => soak.close())
      await soak.run()
      const report = reportOf(soak)
      assert.ok(isClean(soak), report)
      assert.equal(soak.program.starts, restarts + 1)
      assert.deepEqual(soak.program.unexpectedLines, [])
      const { messages, accepted, unavoidableDuplicates } = soak.ledger.totals
      assert.ok(messages > 500, report)
      assert.equal(accepted, messages, report)
      // Every client that sent a complete message got its final reply, so no client had a reason to retry.
      assert.deepEqual([...unavoidableDuplicates], [], report)
    })
  }
})
