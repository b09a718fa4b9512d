import { Client } from './client.ts'
import { clientBehaviours } from './client-behaviour.ts'
import type { Ledger } from './ledger.ts'
import type { Entry } from './ledger-entry.ts'
import { contentOf, type MessageOptions, plannedMessage } from './messages.ts'
import type { Program } from './program.ts'

/** The load of the clients. */
export interface Load {
  readonly seed: number
  /** New messages per second. */
  readonly rate: number
  /** Total of new messages. */
  readonly messages: number
  /** Number of concurrent clients. */
  readonly clients: number
  readonly messageOptions: MessageOptions
}

const paceMs = 10
/** Limit of messages without a final reply. At this limit no new message is sent. */
const maxUnsettled = 3000
/** Delay of the first retry, which doubles with each retry up to the longest delay, in milliseconds. */
const firstRetryMs = 200
const longestRetryMs = 3000
/** Delay of a retry if no connection was possible, in milliseconds. */
const unreachableRetryMs = 100

/** Many clients with one queue. Every message is retried until it gets a final reply. */
export class Clients {
  /** Number of new messages so far. */
  started = 0
  readonly #ledger: Ledger
  readonly #load: Load
  readonly #clients: readonly Client[]
  /** Entries that can be tried now. */
  readonly #due: Entry[] = []
  readonly #idle: ((entry: Entry | undefined) => void)[] = []
  #busy = 0
  #closed = false
  #ended = false

  constructor(ledger: Ledger, program: Program, load: Load) {
    this.#ledger = ledger
    this.#load = load
    const clients: Client[] = []
    for (let n = 0; n < load.clients; n++) {
      // Spreads the kinds, so that even a few clients include all of them.
      let position = (n * 37) % 100
      const behaviour = clientBehaviours.find(({ share }) => (position -= share) < 0)!
      clients.push(new Client(`c${n}`, behaviour, ledger, program, load.seed + n))
    }
    this.#clients = clients
  }

  /** Number of messages that are being sent now. */
  get busy(): number {
    return this.#busy
  }

  /** True if all messages have a final reply. */
  get done(): boolean {
    return this.started >= this.#load.messages && this.#ledger.unsettled === 0
  }

  /** Sends messages until `end`. */
  async run(): Promise<void> {
    const startedAt = performance.now()
    const { rate, messages } = this.#load
    const timer = setInterval(() => {
      const target = Math.min(messages, ((performance.now() - startedAt) / 1000) * rate)
      while (!this.#closed && this.started < target && this.#idle.length > 0 && this.#due.length === 0) {
        if (this.#ledger.unsettled >= maxUnsettled) break
        this.#offer(this.#newEntry())
      }
    }, paceMs)
    await Promise.all(this.#clients.map(client => this.#work(client)))
    clearInterval(timer)
  }

  /** Stops new messages. Messages without a final reply are still retried. */
  close(): void {
    this.#closed = true
  }

  /** Stops all clients. */
  end(): void {
    this.#closed = true
    this.#ended = true
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
      setTimeout(() => this.#offer(again), settled === undefined ? unreachableRetryMs : retryMs)
    }
    await client.quit()
  }

  #next(): Promise<Entry | undefined> | Entry | undefined {
    if (this.#ended) return undefined
    return this.#due.shift() ?? new Promise(resolve => this.#idle.push(resolve))
  }

  #offer(entry: Entry): void {
    const release = this.#idle.shift()
    if (release) release(entry)
    else this.#due.push(entry)
  }

  #newEntry(): Entry {
    const { seed, messageOptions } = this.#load
    const plan = plannedMessage(seed, this.started++, messageOptions)
    return this.#ledger.add(plan, contentOf(seed, plan))
  }
}
