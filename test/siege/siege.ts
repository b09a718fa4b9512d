import { setTimeout as sleep } from 'node:timers/promises'
import { Attackers, type Report } from '../support/attackers.ts'
import { FakeSes } from '../support/fake-ses.ts'
import { freePort } from '../support/free-port.ts'
import { MemoryCgroup } from '../support/memory-cgroup.ts'
import { Random } from '../support/random.ts'
import { RelayProcess, tlsArguments } from '../support/relay-process.ts'
import type { Scope } from '../support/temporary-directory.ts'
import { type Habit, HonestClient } from './honest-client.ts'
import { allowedBlock, type Kind, kinds, proxyNetwork } from './kinds.ts'
import { Messages } from './messages.ts'

/** What a siege is to be like. */
export interface Plan {
  readonly seed: number
  readonly ms: number
  /** Of attackers, at once. */
  readonly connections: number
  readonly memoryLimitBytes: number
  /** Messages a second of clients that do nothing wrong. */
  readonly rate: number
}

const attackProcesses = 2
/** After this time all attackers are there, or after a quarter of a shorter siege. */
const mostRampMs = 10_000
const honestClients = 24
/** A call to SES takes between these. */
const [leastCallMs, mostCallMs] = [20, 120]
const probeEveryMs = 1000
/** As in `deploy`. */
const probeMs = 5000
/** Messages that are under way at the end have so long, while the attack goes on. */
const settleMs = 30_000
const paceMs = 20

/** The program with the settings of `deploy`, attackers of every kind at its ports, and clients that do nothing wrong. */
export class Siege {
  readonly messages = new Messages()
  readonly relay: RelayProcess
  /** Why the program has no limit of memory here. */
  readonly unlimited: string | false
  /** Requests for `/healthz`: how many, and how many in a row were not answered in time at the worst. */
  readonly probes = { asked: 0, failedInARow: 0 }
  readonly plan: Plan
  readonly #attackers: readonly Attackers[]
  readonly #adminPort: number
  readonly #begunAt = performance.now()
  readonly #over = new AbortController()

  private constructor(
    plan: Plan,
    relay: RelayProcess,
    attackers: readonly Attackers[],
    adminPort: number,
    unlimited: string | false,
  ) {
    this.plan = plan
    this.relay = relay
    this.#attackers = attackers
    this.#adminPort = adminPort
    this.unlimited = unlimited
  }

  static async start(scope: Scope, plan: Plan): Promise<Siege> {
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
      ...(unlimited === false && { memoryLimitBytes: plan.memoryLimitBytes }),
    })
    const attackers = Array.from({ length: attackProcesses }, () => Attackers.start(scope))
    const siege = new Siege(plan, relay, attackers, adminPort, unlimited)
    const random = new Random(plan.seed)
    ses.director = {
      rejectsNext: () => false,
      decide: call => {
        siege.messages.arrived(call)
        const afterMs = leastCallMs + random.below(mostCallMs - leastCallMs)
        return { outcome: { type: 'accept', messageId: 'siege' }, afterMs }
      },
    }
    return siege
  }

  /** How much of its time is over, from 0 to 1. */
  get share(): number {
    return Math.min(1, (performance.now() - this.#begunAt) / this.plan.ms)
  }

  /** Ends it before its time. */
  halt(): void {
    this.#over.abort()
  }

  /** Until its time is over, or the program has ended. */
  async run(): Promise<void> {
    this.#attack()
    const probing = this.#probe()
    await this.#serve()
    this.#over.abort()
    await probing
  }

  /** What became of the attackers, by kind. */
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
      const connections = Math.max(1, Math.round((this.plan.connections * share) / shares))
      this.#attackers[n % attackProcesses]!.begin({
        attack,
        connections,
        // Those that have ended come back at the same rate.
        perSecond: (connections * 1000) / Math.min(mostRampMs, this.plan.ms / 4),
        total: Number.MAX_SAFE_INTEGER,
        network,
        port: port === 'clear' ? this.relay.port : this.relay.tlsPort,
      })
    }
  }

  /** Sends messages at the fixed rate. Those that must wait for a client have been due all the time. */
  async #serve(): Promise<void> {
    const due: (() => Promise<void>)[] = []
    const idle = Array.from(
      { length: honestClients },
      (_, n) => new HonestClient(habitOf(n), this.relay, this.messages),
    )
    const clients = [...idle]
    const stop = new AbortController()
    let underWay = 0
    const assign = () => {
      while (due.length > 0 && idle.length > 0) void due.shift()!()
    }
    const startedAt = performance.now()
    while (this.relay.alive && this.share < 1 && !this.#over.signal.aborted) {
      while (this.messages.all.length < ((performance.now() - startedAt) / 1000) * this.plan.rate) {
        const message = this.messages.enter(performance.now())
        underWay++
        due.push(async () => {
          const client = idle.shift()!
          await client.send(message, stop.signal)
          idle.push(client)
          underWay--
          assign()
        })
      }
      assign()
      await sleep(paceMs)
    }
    const deadline = performance.now() + settleMs
    while (this.relay.alive && underWay > 0 && performance.now() < deadline) await sleep(paceMs)
    stop.abort()
    for (const client of clients) client.leave()
  }

  /** Asks whether the process lives, as Kubernetes does, but more often. */
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

function habitOf(n: number): Habit {
  return {
    from: `127.9.0.${1 + (n % 8)}`,
    tls: (['none', 'STARTTLS', 'none', 'implicit'] as const)[n % 4]!,
    keeps: n % 3 === 0,
  }
}
