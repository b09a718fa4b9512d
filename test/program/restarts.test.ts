import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isClean, reportOf } from '../soak/report.ts'
import { Soak } from '../soak/soak.ts'

const restarts = 20

// Most of the time is waiting for drains and starts, so both tests run at once.
describe('twenty restarts', { concurrency: true }, () => {
  for (const workers of [1, 2]) {
    test(`twenty restarts under load lose no message and send none twice, with --workers ${workers}`, async t => {
      const soak = await Soak.start({
        seed: Number(process.env.SEED ?? 1),
        // It ends with the last restart, however slow the machine is.
        ms: 180_000,
        mails: Number.POSITIVE_INFINITY,
        rate: 100,
        clients: 32,
        workers,
        profile: 'restarts',
        happenEveryMs: 100,
        happenings: restarts,
        drainMs: 8_000,
        upstreamMs: 5_000,
      })
      t.after(() => soak.close())
      await soak.run()
      const report = reportOf(soak)
      assert.ok(isClean(soak), report)
      assert.equal(soak.program.starts, restarts + 1)
      assert.deepEqual(soak.program.remarks, [])
      const { mails, accepted, ambiguous } = soak.books.totals
      assert.ok(mails > 500, report)
      assert.equal(accepted, mails, report)
      // A client that had sent a whole message got its final reply, so that no client had a reason to send it again.
      assert.deepEqual([...ambiguous], [], report)
    })
  }
})
