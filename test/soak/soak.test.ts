import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faults, unread } from './faults.ts'
import { happenings } from './profiles.ts'
import { isClean, reportOf } from './report.ts'
import { Soak } from './soak.ts'

// `npm run soak` does the same for as long as one likes.

// With one worker there is none that could be killed alone.
const possible = happenings.filter(name => name !== 'a worker is killed')

test('whatever befalls the program and the service, no mail is lost and none is sent twice without an excuse', async t => {
  const soak = await Soak.start({
    seed: Number(process.env.SEED ?? 1),
    ms: 40_000,
    mails: Number.POSITIVE_INFINITY,
    rate: 40,
    clients: 32,
    workers: 1,
    profile: 'faulty',
    happenEveryMs: 600,
    happenings: possible.length,
    drainMs: 4_000,
    upstreamMs: 2_000,
  })
  t.after(() => soak.close())
  await soak.run()
  const report = reportOf(soak)
  assert.ok(isClean(soak), report)
  assert.deepEqual(
    [...soak.service.done.keys()].sort(),
    [unread, ...faults.map(({ name }) => name)].sort(),
    report,
  )
  assert.deepEqual([...soak.happened.keys()].sort(), [...possible].sort(), report)
  assert.equal(soak.program.starts, 3)
  assert.deepEqual(soak.program.remarks, [])
  const { mails, accepted, refused, ambiguous } = soak.books.totals
  assert.ok(mails >= 200, report)
  assert.equal(accepted + refused, mails, report)
  // Where nothing was doubtful, nothing was tried.
  assert.ok(ambiguous.size > 0, report)
})
