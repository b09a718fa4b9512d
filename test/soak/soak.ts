import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../support/random.ts'
import { Books } from './books.ts'
import { Clients } from './clients.ts'
import { type Happening, type Profile, profiles } from './profiles.ts'
import { Program } from './program.ts'
import { Service } from './service.ts'

/** What a soak is to be like. */
export interface Plan {
  readonly seed: number
  /** How long new mails are sent. */
  readonly ms: number
  /** New mails in all, at most. */
  readonly mails: number
  /** New mails a second. */
  readonly rate: number
  /** Clients at once. */
  readonly clients: number
  readonly workers: number
  readonly profile: keyof typeof profiles
  /** Between two happenings. */
  readonly happenEveryMs: number
  /** After so many of them it is over, too, if there were mails enough for every fault. */
  readonly happenings: number
  readonly drainMs: number
  readonly upstreamMs: number
}

/** Nothing that is known to go on keeps a soak from its end for longer than this. */
const settleMs = 120_000
/** How long the program uses a key. */
const rotationMs = 3_000
const awayMs = 400
const fewestMails = 200
const lookMs = 100

/** The program, the service behind it, the clients before it, and the books of what they say. */
export class Soak {
  readonly plan: Plan
  readonly books: Books
  readonly clients: Clients
  readonly program: Program
  readonly service: Service
  /** Happenings so far, by name. */
  readonly happened = new Map<Happening, number>()
  readonly #begunAt = performance.now()
  /** When no new mails are sent any more. */
  #closedAt: number | undefined
  #halted = false
  #happenings = 0
  readonly #review: NodeJS.Timeout
  readonly #random: Random

  private constructor(plan: Plan, books: Books, service: Service, program: Program) {
    const { seed, rate, mails, clients, profile } = plan
    this.plan = plan
    this.books = books
    this.service = service
    this.program = program
    const { leaving } = profiles[profile]
    const variety = { leaving, maxRecipients: 120, maxBytes: 4_000_000 }
    this.clients = new Clients(books, program, { seed, rate, mails, clients, variety })
    this.#random = new Random(seed)
    this.#review = setInterval(() => {
      books.review()
      service.expireKeys()
    }, 1000)
  }

  static async start(plan: Plan): Promise<Soak> {
    const { seed, workers, drainMs, upstreamMs, profile } = plan
    const books = new Books({ workers, drainMs, upstreamMs })
    const service = await Service.start(books, { seed, rotationMs, ...profiles[profile] })
    const seconds = (ms: number) => String(ms / 1000)
    const args = ['--workers', String(workers), '--max-recipients', '120', '--max-wait', '5']
    const times = ['--drain-timeout', seconds(drainMs), '--upstream-timeout', seconds(upstreamMs)]
    const program = await Program.start(books, { env: service.environment, args: [...args, ...times] })
    return new Soak(plan, books, service, program)
  }

  /** Milliseconds that new mails have been, or were, sent. */
  get sentMs(): number {
    return (this.#closedAt ?? performance.now()) - this.#begunAt
  }

  /** How much of its time, or of its mails, is over: from 0 to 1. */
  get share(): number {
    const { ms, mails } = this.plan
    return Math.min(1, Math.max(this.sentMs / ms, this.clients.begun / mails))
  }

  /** No new mails are sent, and what is under way is waited for. */
  get draining(): boolean {
    return this.#closedAt !== undefined
  }

  /** Ends it before its time: the books are closed properly. */
  halt(): void {
    this.#halted = true
  }

  /** Sends, waits until all is settled, stops the program, and closes the books. */
  async run(): Promise<void> {
    try {
      await this.#send()
      await this.program.stop()
    } catch (error) {
      this.books.note({ type: 'program', text: (error as Error).message })
    }
    this.books.close()
  }

  /** Nothing of it is left behind, whether it ended well or not. */
  async close(): Promise<void> {
    clearInterval(this.#review)
    this.clients.end()
    await this.program.close()
    await this.service.close()
  }

  /** Sends as long as it should, and then what is left. */
  async #send(): Promise<void> {
    const sending = this.clients.run()
    const { ms, happenings } = this.plan
    const { totals } = this.books
    const enough = () => this.#happenings >= happenings && totals.accepted + totals.refused >= fewestMails
    const over = () => this.#halted || this.clients.done || this.sentMs >= ms || enough()
    await this.#befall(profiles[this.plan.profile], over)
    while (!over()) await sleep(lookMs)
    this.clients.close()
    this.#closedAt = performance.now()
    this.service.calm()
    const deadline = performance.now() + settleMs
    while (this.books.unsettled > 0 && performance.now() < deadline) await sleep(lookMs)
    this.clients.end()
    await sending
  }

  /** Lets things happen, one after the other, each of them once before any comes again. */
  async #befall({ happenings }: Profile, over: () => boolean): Promise<void> {
    const possible = happenings.filter(name => this.plan.workers > 1 || name !== 'a worker is killed')
    const deck: Happening[] = []
    while (possible.length > 0) {
      const next = performance.now() + this.plan.happenEveryMs
      while (performance.now() < next) {
        if (over()) return
        await sleep(Math.min(lookMs, this.plan.happenEveryMs))
      }
      if (this.#happenings >= this.plan.happenings) continue
      if (deck.length === 0) deck.push(...possible)
      const [happening] = deck.splice(this.#random.below(deck.length), 1)
      await this.#happen(happening!)
      this.#happenings++
      this.happened.set(happening!, (this.happened.get(happening!) ?? 0) + 1)
    }
  }

  async #happen(happening: Happening): Promise<void> {
    switch (happening) {
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
      case 'no new keys are handed out':
        this.service.withholdKeys()
        await sleep(rotationMs / 2)
        return this.service.handOutKeys()
      case 'the certificate is read again at a signal':
        return this.program.reload('at a signal')
      case 'the certificate is read again because it changed':
        return this.program.reload('because it changed')
    }
  }
}
