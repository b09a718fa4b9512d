import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Attackers, endings } from '../support/attackers.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'

// The flood of one client does not delay others, and is ended, even if its commands are neither errors nor junk.

/** As many connections as --max-connections-per-ip should allow one address. */
const flooders = 50
const asked = 20
/** `refusals` of docs/conformance.md, and the replies before them. */
const mostReplies = 5_200
// A test machine may have less than one CPU for the program; without taking turns, a reply takes seconds.
const medianMs = 150
const worstMs = 750

for (const [attack, what] of [
  ['floodRecipients', 'recipients beyond the limit'],
  ['floodChunks', 'chunks of one octet'],
] as const) {
  test(`${flooders} clients that flood the server with ${what} do not delay another one, and are disconnected`, {
    timeout: 90_000,
  }, async t => {
    const relay = await RelayProcess.start(t, { args: ['-r', 'discard'] })
    const other = await SmtpClient.connect(relay.port)
    await other.greet()
    const attackers = Attackers.start(t)
    attackers.begin({ attack, connections: flooders, total: 1_000_000, perSecond: 500, port: relay.port })
    for (let connected = 0; connected < flooders; [{ connected }] = await reports(attackers)) await sleep(50)

    // Until each of the first floods has been replaced by another one.
    const times: number[] = []
    const deadline = performance.now() + 30_000
    let [report] = await reports(attackers)
    while ((times.length < asked || report.connected < 2 * flooders) && performance.now() < deadline) {
      const begun = performance.now()
      expectCode(await other.ask('NOOP'), 250)
      times.push(performance.now() - begun)
      // Not more often than a client may send NOOP.
      await sleep(300)
      ;[report] = await reports(attackers)
    }
    other.vanish()
    times.sort((a, b) => a - b)
    const [median, worst] = [times[times.length >> 1]!, times.at(-1)!]
    const facts = [
      `NOOP took ${median.toFixed(0)} ms at the median, ${worst.toFixed(0)} ms at the worst`,
      `${report.connected} floods, ended: ${endings(report)}`,
      `at most ${report.maxLines} lines of replies to one that has ended`,
    ].join('; ')
    t.diagnostic(facts)
    assert.ok(median < medianMs && worst < worstMs, facts)
    assert.ok(report.connected >= 2 * flooders, facts)
    for (const [outcome] of report.ended) assert.match(outcome, /^421 4\.7\.0 /, facts)
    assert.ok(report.maxLines <= mostReplies, facts)
  })
}

async function reports(attackers: Attackers) {
  const [report] = await attackers.reports()
  return [report!] as const
}
