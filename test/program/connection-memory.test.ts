import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Attackers, endings, type Order } from '../support/attackers.ts'
import type { AttackName } from '../support/attacks.ts'
import { FakeSes } from '../support/fake-ses.ts'
import { RelayProcess, type Start, tlsArguments } from '../support/relay-process.ts'
import { hangingBackend } from './hanging-backend.ts'

// The memory of a connection, besides the content of messages, has a limit. The memory of a container is computed from this
// limit and --max-connections. container-memory.test.ts shows that it is enough.

const MiB = 1024 * 1024
const timeout = 180_000
const skip = process.platform !== 'linux' && 'CPU time is read from /proc'

/**
 * Bytes that a connection may hold beyond those of an idle one. With TLS this includes the memory that OpenSSL reads into,
 * 18 KiB, and half a record.
 */
const most = { clear: 32 * 1024, tls: 64 * 1024 }
/** Bytes that grow with the work done, for any number of connections: compiled code, for example. */
const toleranceBytes = 3 * MiB
/** The same if few connections do much work: up to 6 MiB were seen with Node.js 24. */
const warmUpToleranceBytes = 8 * MiB
const thrifty = {
  // V8 keeps at most 3 MiB for new objects, so that few dead objects are counted as resident.
  NODE_OPTIONS: `--max-semi-space-size=1 --import=${new URL('../support/report-memory.mjs', import.meta.url)}`,
  // glibc maps each block of 2 KiB or more separately, and so returns it when it is freed, whatever lies next to it.
  MALLOC_MMAP_THRESHOLD_: '2048',
  MALLOC_MMAP_MAX_: '1000000',
  MALLOC_ARENA_MAX: '1',
}

interface Growth {
  readonly attack: AttackName
  readonly connections: number
  /** The name in the title of the test. */
  readonly base?: AttackName
  readonly start?: (t: TestContext) => Promise<Start>
  /** Also with TLS. */
  readonly tls?: boolean
  /** This many connections do the same before, so that compiled code and grown heaps are not counted. */
  readonly warmUp?: true
}

const growths: readonly Growth[] = [
  { attack: 'junk', connections: 400, tls: true },
  { attack: 'unreadEhlo', connections: 60, warmUp: true },
  { attack: 'unreadRecipients', connections: 60, tls: true, warmUp: true },
  { attack: 'unreadChunks', connections: 60, warmUp: true },
  { attack: 'paddedRecipients', connections: 400 },
  // Fewer than --upstream-connections.
  {
    attack: 'pipelinedAfterMessage',
    connections: 120,
    base: 'messageInProgress',
    start: hangingBackend,
    tls: true,
  },
  {
    attack: 'bytewiseAfterMessage',
    connections: 120,
    base: 'messageInProgress',
    start: hangingBackend,
    tls: true,
  },
  { attack: 'unfinishedLine', connections: 400 },
]

for (const growth of growths) {
  for (const tls of growth.tls ? [false, true] : [false]) {
    const { attack, connections, base = 'idle', start, warmUp } = growth
    const [where, bound] = tls ? ['in TLS', most.tls] : ['in the clear', most.clear]
    test(`a connection ${where} holds at most ${bound / 1024} KiB more than an idle one: ${attack}`, {
      skip,
      timeout,
    }, async t => {
      const { args = ['-r', 'discard'], env } = (await start?.(t)) ?? {}
      const relay = await RelayProcess.start(t, {
        args: [...args, ...tlsArguments],
        env: { ...env, ...thrifty },
        implicitTls: true,
      })
      const attackers = Attackers.start(t)
      /** Bytes that each further connection takes. */
      const grow = async (order: Omit<Order, 'port'>): Promise<number> => {
        const before = await bytesInUse(relay)
        attackers.begin({ ...order, tls, port: tls ? relay.tlsPort : relay.port })
        await attackers.settled(relay, 40_000)
        return ((await bytesInUse(relay)) - before) / connections
      }
      const idle = await grow({ attack: base, connections, network: '127.2.0' })
      if (warmUp) await grow({ attack, connections, network: '127.3.0' })
      const busy = await grow({ attack, connections })
      const facts = `${(busy / 1024).toFixed(0)} KiB a connection, ${base} ${(idle / 1024).toFixed(0)} KiB`
      t.diagnostic(facts)
      const tolerance = (warmUp ? warmUpToleranceBytes : toleranceBytes) / connections
      assert.ok(busy < idle + bound + tolerance, facts)
    })
  }
}

async function bytesInUse(relay: RelayProcess): Promise<number> {
  const before = relay.stderr.all.length
  relay.signal('SIGUSR2')
  const line = await relay.stderr.find(/^in use: \d+ bytes$/, before)
  return Number(/\d+/.exec(line)![0])
}

test('what is remembered of a message that half of its recipients have takes at most 32 KiB', {
  skip,
  timeout,
}, async t => {
  const standIn = await FakeSes.start()
  t.after(() => standIn.close())
  const refused = { type: 'refuse', status: 400, code: 'AccountSendingPaused', message: 'no' } as const
  standIn.director = {
    rejectsNext: () => false,
    decide: ({ destinations }) => ({
      outcome: destinations.includes('b50@example.org') ? refused : { type: 'accept' },
    }),
  }
  const env = { ...standIn.environment, ...thrifty }
  const relay = await RelayProcess.start(t, { args: ['-r', 'ses'], env })
  const attackers = Attackers.start(t)
  const send = async (total: number) => {
    attackers.begin({ attack: 'partialDelivery', connections: 8, total, port: relay.port })
    await attackers.settled(relay, 60_000)
    const report = (await attackers.reports()).at(-1)!
    assert.match(endings(report), new RegExp(`^${total} × 221 `))
    return bytesInUse(relay)
  }
  const [before, messages] = [await send(50), 400]
  const each = ((await send(messages)) - before) / messages
  const facts = `${(each / 1024).toFixed(0)} KiB a message`
  t.diagnostic(facts)
  assert.ok(each < 32 * 1024 + toleranceBytes / messages, facts)
})
