import { setTimeout as sleep } from 'node:timers/promises'
import { SmtpClient } from './smtp-client.ts'

/** How a bystander was served. */
export interface Served {
  readonly times: number
  /** From the first attempt to connect to the reply to NOOP. */
  readonly slowestMs: number
}

const pauseMs = 50

/**
 * A client that does nothing wrong while others attack: connects, says EHLO and NOOP, leaves, and does it again. If it
 * hears 421 or is disconnected, it tries again, and the time counts from its first attempt.
 */
export class Bystander {
  readonly #stopped = new AbortController()
  readonly #port: number
  readonly #run: Promise<void>
  #times = 0
  #slowestMs = 0
  #begunAt = performance.now()

  constructor(port: number) {
    this.#port = port
    this.#run = this.#repeat()
  }

  /** An attempt that is still going on counts with the time that it has taken so far. */
  async stop(): Promise<Served> {
    const sinceMs = performance.now() - this.#begunAt
    this.#stopped.abort()
    await this.#run
    return { times: this.#times, slowestMs: Math.max(this.#slowestMs, sinceMs) }
  }

  async #repeat(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      this.#begunAt = performance.now()
      while (!signal.aborted && !(await this.#try())) await sleep(pauseMs)
      if (signal.aborted) return
      this.#times++
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - this.#begunAt)
      await sleep(pauseMs)
    }
  }

  async #try(): Promise<boolean> {
    let wire: SmtpClient | undefined
    const leave = () => wire?.vanish()
    this.#stopped.signal.addEventListener('abort', leave, { once: true })
    try {
      wire = await SmtpClient.connect(this.#port)
      if ((await wire.reply('connecting')).code !== 220) return false
      return (await wire.ask('EHLO bystander.test')).code === 250 && (await wire.ask('NOOP')).code === 250
    } catch {
      return false
    } finally {
      this.#stopped.signal.removeEventListener('abort', leave)
      leave()
    }
  }
}
