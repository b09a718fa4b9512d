import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disruptions } from './disruptions.ts'
import { faults, unreadFault } from './faults.ts'
import { isClean, reportOf } from './report.ts'
import { Soak } from './soak.ts'

// `npm run soak` does the same for a longer time.

// With one worker, no worker can be killed without the program.
const expectedDisruptions = disruptions.filter(name => name !== 'a worker is killed')

test('with all faults and disruptions, no message is lost, and none is duplicated without an unavoidable reason', async t => {
  const soak = await Soak.start({
    seed: Number(process.env.SEED ?? 1),
    ms: 40_000,
    messages: Number.POSITIVE_INFINITY,
    rate: 40,
    clients: 32,
    workers: 1,
    profile: 'faulty',
    disruptEveryMs: 600,
    maxDisruptions: expectedDisruptions.length,
    drainMs: 4_000,
    upstreamMs: 2_000,
  })
  t.after(() => soak.close())
  await soak.run()
  const report = reportOf(soak)
  assert.ok(isClean(soak), report)
  assert.deepEqual(
    [...soak.service.faults.keys()].sort(),
    [unreadFault, ...faults.map(({ name }) => name)].sort(),
    report,
  )
  assert.deepEqual([...soak.disruptions.keys()].sort(), [...expectedDisruptions].sort(), report)
  assert.equal(soak.program.starts, 3)
  assert.deepEqual(soak.program.unexpectedLines, [])
  const { messages, accepted, rejected, unavoidableDuplicates } = soak.ledger.totals
  assert.ok(messages >= 200, report)
  assert.equal(accepted + rejected, messages, report)
  // Without unavoidable duplicates, no fault had an effect.
  assert.ok(unavoidableDuplicates.size > 0, report)
})
