import { setTimeout as sleep } from 'node:timers/promises'
import { Attackers, type Report } from '../support/attackers.ts'
import { FakeSes } from '../support/fake-ses.ts'
import { freePort } from '../support/free-port.ts'
import { MemoryCgroup } from '../support/memory-cgroup.ts'
import { Random } from '../support/random.ts'
import { RelayProcess, tlsArguments } from '../support/relay-process.ts'
import type { Scope } from '../support/temporary-directory.ts'
import { type ConnectionOptions, HonestClient } from './honest-client.ts'
import { allowedBlock, type Kind, kinds, proxyNetwork } from './kinds.ts'
import { Messages } from './messages.ts'

/** Options of a siege. */
export interface SiegeOptions {
  readonly seed: number
  readonly ms: number
  /** Concurrent connections of attackers. */
  readonly connections: number
  readonly memoryLimitBytes: number
  /** Messages per second of well-behaved clients. */
  readonly rate: number
}

const attackProcesses = 2
/** Longest time until all attackers are connected. In a shorter siege it is a quarter of its duration. */
const maxRampMs = 10_000
const honestClients = 24
/** Shortest and longest duration of a call to SES, in milliseconds. */
const [minCallMs, maxCallMs] = [20, 120]
const probeEveryMs = 1000
/** As in `deploy`. */
const probeMs = 5000
/** Longest wait for messages in progress at the end, in milliseconds. The attack continues meanwhile. */
const settleMs = 30_000
const paceMs = 20

/** An attack on the program with the settings of `deploy`: attackers of all kinds, and well-behaved clients. */
export class Siege {
  readonly messages = new Messages()
  readonly relay: RelayProcess
  /** Why the program runs without a memory limit, or false. */
  readonly unlimited: string | false
  /** Requests for `/healthz`: the number of requests, and the most consecutive failures. */
  readonly probes = { asked: 0, failedInARow: 0 }
  readonly options: SiegeOptions
  readonly #attackers: readonly Attackers[]
  readonly #adminPort: number
  readonly #begunAt = performance.now()
  readonly #over = new AbortController()

  private constructor(
    options: SiegeOptions,
    relay: RelayProcess,
    attackers: readonly Attackers[],
    adminPort: number,
    unlimited: string | false,
  ) {
    this.options = options
    this.relay = relay
    this.#attackers = attackers
    this.#adminPort = adminPort
    this.unlimited = unlimited
  }

  static async start(scope: Scope, options: SiegeOptions): Promise<Siege> {
    const ses = await FakeSes.start()
    scope.after(() => ses.close())
    const unlimited = MemoryCgroup.unavailable()
    const adminPort = await freePort()
    const access = ['--allow-ips', allowedBlock, '--proxy-protocol', `${proxyNetwork}.0/24`]
    const relay = await RelayProcess.start(scope, {
      args: [
        '-r',
        'ses',
        '--message-memory',
        '256MiB',
        '--admin',
        `127.0.0.1:${adminPort}`,
        ...access,
        ...tlsArguments,
      ],
      env: ses.environment,
      implicitTls: true,
      ...(unlimited === false && { memoryLimitBytes: options.memoryLimitBytes }),
    })
    const attackers = Array.from({ length: attackProcesses }, () => Attackers.start(scope))
    const siege = new Siege(options, relay, attackers, adminPort, unlimited)
    const random = new Random(options.seed)
    ses.director = {
      rejectsNext: () => false,
      decide: call => {
        siege.messages.arrived(call)
        const afterMs = minCallMs + random.below(maxCallMs - minCallMs)
        return { outcome: { type: 'accept', messageId: 'siege' }, afterMs }
      },
    }
    return siege
  }

  /** Progress from 0 to 1. */
  get progress(): number {
    return Math.min(1, (performance.now() - this.#begunAt) / this.options.ms)
  }

  /** Ends the siege early. */
  stopEarly(): void {
    this.#over.abort()
  }

  /** Runs until the end of its time or of the program. */
  async run(): Promise<void> {
    this.#attack()
    const probing = this.#probe()
    await this.#serve()
    this.#over.abort()
    await probing
  }

  /** Returns the reports of the attackers by kind. */
  async reports(): Promise<readonly (readonly [Kind, Report])[]> {
    const reports = await Promise.all(this.#attackers.map(attackers => attackers.reports()))
    return kinds.map((kind, n) => [kind, reports[n % attackProcesses]![Math.floor(n / attackProcesses)]!])
  }

  async peakBytes(): Promise<number | undefined> {
    return this.relay.cgroup?.peakBytes ?? (await this.relay.peakMemory())
  }

  #attack(): void {
    const shares = kinds.reduce((sum, { share }) => sum + share, 0)
    for (const [n, { attack, share, port, network = `127.1.${n}` }] of kinds.entries()) {
      const connections = Math.max(1, Math.round((this.options.connections * share) / shares))
      this.#attackers[n % attackProcesses]!.begin({
        attack,
        connections,
        // Ended connections are replaced at the same rate.
        perSecond: (connections * 1000) / Math.min(maxRampMs, this.options.ms / 4),
        total: Number.MAX_SAFE_INTEGER,
        network,
        port: port === 'clear' ? this.relay.port : this.relay.tlsPort,
      })
    }
  }

  /** Sends messages at a fixed rate. The wait for a free client counts as waiting time of a message. */
  async #serve(): Promise<void> {
    const due: (() => Promise<void>)[] = []
    const idle = Array.from(
      { length: honestClients },
      (_, n) => new HonestClient(connectionOptions(n), this.relay, this.messages),
    )
    const clients = [...idle]
    const stop = new AbortController()
    let inProgress = 0
    const assign = () => {
      while (due.length > 0 && idle.length > 0) void due.shift()!()
    }
    const startedAt = performance.now()
    while (this.relay.alive && this.progress < 1 && !this.#over.signal.aborted) {
      while (this.messages.all.length < ((performance.now() - startedAt) / 1000) * this.options.rate) {
        const message = this.messages.enter(performance.now())
        inProgress++
        due.push(async () => {
          const client = idle.shift()!
          await client.send(message, stop.signal)
          idle.push(client)
          inProgress--
          assign()
        })
      }
      assign()
      await sleep(paceMs)
    }
    const deadline = performance.now() + settleMs
    while (this.relay.alive && inProgress > 0 && performance.now() < deadline) await sleep(paceMs)
    stop.abort()
    for (const client of clients) client.disconnect()
  }

  /** Requests `/healthz` like Kubernetes, but more often. */
  async #probe(): Promise<void> {
    let failed = 0
    while (!this.#over.signal.aborted) {
      const answered = await fetch(`http://127.0.0.1:${this.#adminPort}/healthz`, {
        signal: AbortSignal.timeout(probeMs),
      }).then(
        ({ ok }) => ok,
        () => false,
      )
      failed = answered ? 0 : failed + 1
      this.probes.asked++
      this.probes.failedInARow = Math.max(this.probes.failedInARow, failed)
      await sleep(probeEveryMs, undefined, { signal: this.#over.signal }).catch(() => {})
    }
  }
}

function connectionOptions(n: number): ConnectionOptions {
  return {
    from: `127.9.0.${1 + (n % 8)}`,
    tls: (['none', 'STARTTLS', 'none', 'implicit'] as const)[n % 4]!,
    keepsConnection: n % 3 === 0,
  }
}
