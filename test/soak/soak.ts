import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../support/random.ts'
import { Clients } from './clients.ts'
import { type Disruption, type Profile, profiles } from './disruptions.ts'
import { FaultySes } from './faulty-ses.ts'
import { Ledger } from './ledger.ts'
import { Program } from './program.ts'

/** Options of a soak. */
export interface SoakOptions {
  readonly seed: number
  /** How long new messages are sent, in milliseconds. */
  readonly ms: number
  /** Limit of new messages. */
  readonly messages: number
  /** New messages per second. */
  readonly rate: number
  /** Number of concurrent clients. */
  readonly clients: number
  readonly workers: number
  readonly profile: keyof typeof profiles
  /** Time between two disruptions, in milliseconds. */
  readonly disruptEveryMs: number
  /** The soak also ends after this many disruptions, if there were enough messages for every fault. */
  readonly maxDisruptions: number
  readonly drainMs: number
  readonly upstreamMs: number
}

/** Longest wait for final replies at the end, in milliseconds. */
const settleMs = 120_000
/** How long the program uses an access key, in milliseconds. */
const rotationMs = 3_000
const awayMs = 400
const minMessages = 200
const pollMs = 100

/** The program, its faulty SES, its clients, and the ledger that compares both sides. */
export class Soak {
  readonly options: SoakOptions
  readonly ledger: Ledger
  readonly clients: Clients
  readonly program: Program
  readonly service: FaultySes
  /** Number of disruptions so far, by name. */
  readonly disruptions = new Map<Disruption, number>()
  readonly #begunAt = performance.now()
  /** When the last new message was sent. */
  #closedAt: number | undefined
  #halted = false
  #disruptionCount = 0
  readonly #review: NodeJS.Timeout
  readonly #random: Random

  private constructor(options: SoakOptions, ledger: Ledger, service: FaultySes, program: Program) {
    const { seed, rate, messages, clients, profile } = options
    this.options = options
    this.ledger = ledger
    this.service = service
    this.program = program
    const { disconnects } = profiles[profile]
    const messageOptions = { disconnects, maxRecipients: 120, maxBytes: 4_000_000 }
    this.clients = new Clients(ledger, program, { seed, rate, messages, clients, messageOptions })
    this.#random = new Random(seed)
    this.#review = setInterval(() => {
      ledger.review()
      service.expireKeys()
    }, 1000)
  }

  static async start(options: SoakOptions): Promise<Soak> {
    const { seed, workers, drainMs, upstreamMs, profile } = options
    const ledger = new Ledger({ workers, drainMs, upstreamMs })
    const service = await FaultySes.start(ledger, { seed, rotationMs, ...profiles[profile] })
    const seconds = (ms: number) => String(ms / 1000)
    const args = ['--workers', String(workers), '--max-recipients', '120', '--max-wait', '5']
    const times = ['--drain-timeout', seconds(drainMs), '--upstream-timeout', seconds(upstreamMs)]
    const program = await Program.start(ledger, { env: service.environment, args: [...args, ...times] })
    return new Soak(options, ledger, service, program)
  }

  /** How long new messages have been sent, in milliseconds. */
  get sentMs(): number {
    return (this.#closedAt ?? performance.now()) - this.#begunAt
  }

  /** Progress from 0 to 1, by time or number of messages. */
  get progress(): number {
    const { ms, messages } = this.options
    return Math.min(1, Math.max(this.sentMs / ms, this.clients.started / messages))
  }

  /** True if no new messages are sent, and the soak waits for final replies. */
  get draining(): boolean {
    return this.#closedAt !== undefined
  }

  /** Ends the soak early, with a complete ledger. */
  stopEarly(): void {
    this.#halted = true
  }

  /** Sends, waits for final replies, stops the program, and closes the ledger. */
  async run(): Promise<void> {
    try {
      await this.#send()
      await this.program.stop()
    } catch (error) {
      this.ledger.addFinding({ type: 'program', text: (error as Error).message })
    }
    this.ledger.close()
  }

  /** Stops all parts, even after an error. */
  async close(): Promise<void> {
    clearInterval(this.#review)
    this.clients.end()
    await this.program.close()
    await this.service.close()
  }

  /** Sends until the end, then retries the rest. */
  async #send(): Promise<void> {
    const sending = this.clients.run()
    const { ms, maxDisruptions } = this.options
    const { totals } = this.ledger
    const enough = () =>
      this.#disruptionCount >= maxDisruptions && totals.accepted + totals.rejected >= minMessages
    const over = () => this.#halted || this.clients.done || this.sentMs >= ms || enough()
    await this.#disruptRepeatedly(profiles[this.options.profile], over)
    while (!over()) await sleep(pollMs)
    this.clients.close()
    this.#closedAt = performance.now()
    this.service.stopFaults()
    const deadline = performance.now() + settleMs
    while (this.ledger.unsettled > 0 && performance.now() < deadline) await sleep(pollMs)
    this.clients.end()
    await sending
  }

  /** Runs disruptions one after the other, each of them once before any is repeated. */
  async #disruptRepeatedly({ disruptions }: Profile, over: () => boolean): Promise<void> {
    const possible = disruptions.filter(name => this.options.workers > 1 || name !== 'a worker is killed')
    const deck: Disruption[] = []
    while (possible.length > 0) {
      const next = performance.now() + this.options.disruptEveryMs
      while (performance.now() < next) {
        if (over()) return
        await sleep(Math.min(pollMs, this.options.disruptEveryMs))
      }
      if (this.#disruptionCount >= this.options.maxDisruptions) continue
      if (deck.length === 0) deck.push(...possible)
      const [disruption] = deck.splice(this.#random.below(deck.length), 1)
      await this.#disrupt(disruption!)
      this.#disruptionCount++
      this.disruptions.set(disruption!, (this.disruptions.get(disruption!) ?? 0) + 1)
    }
  }

  async #disrupt(disruption: Disruption): Promise<void> {
    switch (disruption) {
      case 'the program is stopped and started':
        await this.program.stop()
        return this.program.begin()
      case 'the program is killed and started':
        await this.program.kill()
        return this.program.begin()
      case 'a worker is killed':
        return this.program.killWorker()
      case 'the service is away':
        return this.service.goAway(awayMs)
      case 'the keys are revoked':
        return this.service.revokeKeys()
      case 'no new keys are issued':
        this.service.stopIssuingKeys()
        await sleep(rotationMs / 2)
        return this.service.resumeIssuingKeys()
      case 'the certificate is reloaded on a signal':
        return this.program.reload('on a signal')
      case 'the certificate is reloaded after a change':
        return this.program.reload('after a change')
    }
  }
}
