import { setTimeout as sleep } from 'node:timers/promises'
import { SmtpClient } from './smtp-client.ts'

/** How well a bystander was served. */
export interface Served {
  readonly times: number
  /** From the first attempt to connect to the reply to NOOP. */
  readonly slowestMs: number
}

const pauseMs = 50

/**
 * A well-behaved client during an attack. It connects, sends EHLO and NOOP, closes, and repeats. If it gets 421 or is
 * disconnected, it tries again, and the time counts from the first attempt.
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

  /** Stops the client. An attempt in progress counts with its time so far. */
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
    let client: SmtpClient | undefined
    const leave = () => client?.vanish()
    this.#stopped.signal.addEventListener('abort', leave, { once: true })
    try {
      client = await SmtpClient.connect(this.#port)
      if ((await client.reply('connecting')).code !== 220) return false
      return (await client.ask('EHLO bystander.test')).code === 250 && (await client.ask('NOOP')).code === 250
    } catch {
      return false
    } finally {
      this.#stopped.signal.removeEventListener('abort', leave)
      leave()
    }
  }
}
