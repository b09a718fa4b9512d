import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isClean, reportOf } from '../soak/report.ts'
import { Soak } from '../soak/soak.ts'

const restarts = 20

// Most of it is waiting for drains and starts, so both do it at once.
describe('twenty restarts', { concurrency: true }, () => {
  for (const workers of [1, 2]) {
    test(`twenty restarts under load: no mail is lost, none is sent twice, ${workers} of --workers`, async t => {
      const soak = await Soak.start({
        seed: Number(process.env.SEED ?? 1),
        // It ends with the last restart; a slow machine may take its time.
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
      // Whoever had said all of a mail heard what became of it, so that nobody had a reason to send it again.
      assert.deepEqual([...unavoidableDuplicates], [], report)
    })
  }
})
