import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Attackers, endings, type Order } from '../support/attackers.ts'
import { Bystander } from '../support/bystander.ts'
import { MemoryCgroup } from '../support/memory-cgroup.ts'
import { RelayProcess, type Start, tlsArguments } from '../support/relay-process.ts'
import { hangingBackend } from './hanging-backend.ts'

// The memory of a connection, besides the content of messages, has a limit. So clients that hold as much as they can, on as
// many connections as they can open, do not get the program killed in the memory of a container.

const MiB = 1024 * 1024
/** The memory of a container in `deploy`. */
const containerBytes = 512 * MiB
const skip = MemoryCgroup.unavailable()
const timeout = 90_000
/** Milliseconds within which other clients are served; a machine that runs other tests as well takes half of it. */
const othersMs = 10_000

const login = { args: ['-r', 'discard', '-u', 'user', '--allow-plaintext-auth'], env: { PASSWORD: 'secret' } }

/** What the attackers do, except for the port. */
type Attack = Omit<Order, 'port'>

/** Starts the program, attacks it, and asserts that it survives, has memory left, and serves other clients meanwhile. */
async function withstand(
  t: TestContext,
  attack: Attack,
  { memoryLimitBytes = containerBytes, ...start }: Start,
) {
  const relay = await RelayProcess.start(t, { ...start, memoryLimitBytes })
  const attackers = Attackers.start(t)
  const begunAt = performance.now()
  attackers.begin({ ...attack, port: start.implicitTls ? relay.tlsPort : relay.port })
  const bystander = new Bystander(relay.port)
  await attackers.settled(relay, 25_000)
  const survived = relay.alive
  const seconds = ((performance.now() - begunAt) / 1000).toFixed(1)
  const { times, slowestMs } = await bystander.stop()
  const [report] = await attackers.reports()
  const { peakBytes, oomKills } = relay.cgroup!
  const facts = [
    `${report!.connected} connections in ${seconds} s, ${report!.open} of them open`,
    `peak ${(peakBytes / MiB).toFixed(0)} of ${memoryLimitBytes / MiB} MiB`,
    `others served ${times} times, the slowest in ${Math.round(slowestMs)} ms`,
    `ended: ${endings(report!)}`,
  ].join('; ')
  t.diagnostic(facts)
  if (!survived) {
    const { code, signal } = await relay.ended()
    const fatal = relay.stderr.all.find(line => line.startsWith('FATAL')) ?? ''
    assert.fail(`the program ended with ${signal ?? code}, OOM kills: ${oomKills}, ${fatal}: ${facts}`)
  }
  assert.equal(oomKills, 0, facts)
  assert.ok(peakBytes < 0.9 * memoryLimitBytes, facts)
  assert.ok(times > 0 && slowestMs < othersMs, facts)
}

test(
  '3,000 clients that send junk during the pauses before replies, without a login, do not get the program killed',
  {
    skip,
    timeout,
  },
  t => withstand(t, { attack: 'junk', connections: 3000 }, login),
)

test('3,000 clients whose addresses are not allowed do not get the program killed', { skip, timeout }, t =>
  withstand(t, { attack: 'junk', connections: 3000 }, { args: ['-r', 'discard', '-i', '127.0.0.1'] }),
)

// The program takes some 300 ms to write the replies that one of them does not read, so there are fewer of them, in less memory.
test(
  '60 clients in TLS that read no reply do not get the program killed, in less memory',
  { skip, timeout },
  t =>
    withstand(
      t,
      { attack: 'unreadEhlo', connections: 60, tls: true },
      {
        args: ['-r', 'discard', '--message-memory', '44MiB', '--max-size', '10MiB', ...tlsArguments],
        implicitTls: true,
        memoryLimitBytes: 192 * MiB,
      },
    ),
)

test(
  '1,500 clients with 100 recipients each on the longest lines do not get the program killed',
  { skip, timeout },
  t => withstand(t, { attack: 'paddedRecipients', connections: 1500 }, { args: ['-r', 'discard'] }),
)

test(
  '3,000 clients that go on while SES does not answer do not get the program killed',
  { skip, timeout },
  async t => withstand(t, { attack: 'pipelinedAfterMessage', connections: 3000 }, await hangingBackend(t)),
)

test(
  '8,000 unfinished lines after other commands, without a login, do not get the program killed',
  { skip, timeout },
  t => withstand(t, { attack: 'unfinishedLine', connections: 8000 }, login),
)

// A handshake costs both sides some milliseconds: 40 % of the clients and of the memory.
test(
  '4,000 sessions in TLS with an unfinished record do not get the program killed, in less memory',
  {
    skip,
    timeout,
  },
  t =>
    withstand(
      t,
      { attack: 'unfinishedTlsRecord', connections: 4000 },
      {
        args: ['-r', 'discard', ...tlsArguments, '--message-memory', '100MiB', '--max-connections', '4100'],
        implicitTls: true,
        memoryLimitBytes: 240 * MiB,
      },
    ),
)
