import type { Books } from './books.ts'
import { Client } from './client.ts'
import { habits } from './habits.ts'
import { contentOf, planOf, type Variety } from './mails.ts'
import type { Program } from './program.ts'
import type { Entry } from './record.ts'

/** What the clients are to do. */
export interface Load {
  readonly seed: number
  /** New mails a second. */
  readonly rate: number
  /** New mails in all. */
  readonly mails: number
  /** Clients at once. */
  readonly clients: number
  readonly variety: Variety
}

const paceMs = 10
/** Mails that may be unsettled; beyond it, nothing new is sent. */
const maxUnsettled = 3000
/** A client whose mail was not taken tries again after so long, and twice as long each time, up to the longest. */
const firstRetryMs = 200
const longestRetryMs = 3000
/** Nobody was there to talk to. */
const awayMs = 100

/** Many clients with one queue: every mail is tried, again and again, until somebody says yes or no for good. */
export class Clients {
  /** New mails so far. */
  begun = 0
  readonly #books: Books
  readonly #load: Load
  readonly #slots: readonly Client[]
  /** What can be tried at once. */
  readonly #due: Entry[] = []
  readonly #idle: ((entry: Entry | undefined) => void)[] = []
  #busy = 0
  #closed = false
  #over = false

  constructor(books: Books, program: Program, load: Load) {
    this.#books = books
    this.#load = load
    const slots: Client[] = []
    for (let n = 0; n < load.clients; n++) {
      // Spread, so that a few clients are of all kinds, too.
      let place = (n * 37) % 100
      const habit = habits.find(({ share }) => (place -= share) < 0)!
      slots.push(new Client(`c${n}`, habit, books, program, load.seed + n))
    }
    this.#slots = slots
  }

  /** Mails that are being tried at this moment. */
  get busy(): number {
    return this.#busy
  }

  /** Everything that was to be sent was sent, and settled. */
  get done(): boolean {
    return this.begun >= this.#load.mails && this.#books.unsettled === 0
  }

  /** Sends until `end`. */
  async run(): Promise<void> {
    const startedAt = performance.now()
    const { rate, mails } = this.#load
    const timer = setInterval(() => {
      const target = Math.min(mails, ((performance.now() - startedAt) / 1000) * rate)
      while (!this.#closed && this.begun < target && this.#idle.length > 0 && this.#due.length === 0) {
        if (this.#books.unsettled >= maxUnsettled) break
        this.#offer(this.#newEntry())
      }
    }, paceMs)
    await Promise.all(this.#slots.map(client => this.#work(client)))
    clearInterval(timer)
  }

  /** No new mails any more; those that are not settled are tried on. */
  close(): void {
    this.#closed = true
  }

  /** Everybody goes home. */
  end(): void {
    this.#closed = true
    this.#over = true
    for (const release of this.#idle.splice(0)) release(undefined)
  }

  async #work(client: Client): Promise<void> {
    for (let entry = await this.#next(); entry !== undefined; entry = await this.#next()) {
      this.#busy++
      const content = contentOf(this.#load.seed, entry.plan)
      const settled = await client.send(entry, content)
      this.#busy--
      if (settled) continue
      const tries = entry.attempts.length
      const retryMs = Math.min(longestRetryMs, firstRetryMs * 2 ** (tries - 1))
      const again = entry
      setTimeout(() => this.#offer(again), settled === undefined ? awayMs : retryMs)
    }
    await client.quit()
  }

  #next(): Promise<Entry | undefined> | Entry | undefined {
    if (this.#over) return undefined
    return this.#due.shift() ?? new Promise(resolve => this.#idle.push(resolve))
  }

  #offer(entry: Entry): void {
    const release = this.#idle.shift()
    if (release) release(entry)
    else this.#due.push(entry)
  }

  #newEntry(): Entry {
    const { seed, variety } = this.#load
    const plan = planOf(seed, this.begun++, variety)
    return this.#books.enter(plan, contentOf(seed, plan))
  }
}
