import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '../support/deadline.ts'
import { type Family, numberOf, readExposition } from '../support/exposition.ts'
import type { RelayProcess } from '../support/relay-process.ts'

/** An answer of the endpoint. */
export interface Answer {
  readonly status: number
  readonly text: string
}

/** All metrics of a process at one time. */
export interface Scrape {
  readonly text: string
  readonly families: ReadonlyMap<string, Family>
  /** Returns the value of the metric with exactly these labels. @param name without the common prefix */
  of(name: string, labels?: Readonly<Record<string, string>>): number | undefined
}

/** A client of the admin endpoint of a process that was started with `--admin 127.0.0.1:0`. */
export class AdminClient {
  readonly #base: string

  constructor(relay: RelayProcess) {
    const line = relay.stderr.all.find(line => line.startsWith('Health and metrics: '))
    this.#base = line!.slice('Health and metrics: '.length)
  }

  async get(path: string): Promise<Answer> {
    const response = await fetch(new URL(path, this.#base), { signal: AbortSignal.timeout(5_000) })
    return { status: response.status, text: await response.text() }
  }

  async scrape(): Promise<Scrape> {
    const { text } = await this.get('/metrics')
    const families = readExposition(text)
    return { text, families, of: (name, labels) => numberOf(families, `aws_smtp_relay_${name}`, labels) }
  }

  /** Waits until /readyz has this status and text. */
  async untilReadiness(status: number, text: string | RegExp): Promise<Answer> {
    let answer: Answer | undefined
    const right = () =>
      answer?.status === status && (typeof text === 'string' ? answer.text === text : text.test(answer.text))
    const look = async () => {
      while (!right()) {
        answer = await this.get('/readyz')
        if (!right()) await sleep(20)
      }
      return answer!
    }
    return within(look(), `readiness: ${status} ${text}`, () => JSON.stringify(answer))
  }

  /** Waits until the metrics fulfil the condition. */
  async untilMetrics(right: (scrape: Scrape) => boolean, what: string): Promise<Scrape> {
    const look = async () => {
      for (;;) {
        const scrape = await this.scrape()
        if (right(scrape)) return scrape
        await sleep(20)
      }
    }
    return within(look(), what)
  }
}

/** Runs `promtool check metrics` of the Debian package `prometheus`. Returns undefined if it is not installed. */
export function promtool(text: string): SpawnSyncReturns<string> | undefined {
  const program = process.env.PROMTOOL ?? 'promtool'
  const run = spawnSync(program, ['check', 'metrics'], { input: text, encoding: 'utf8', timeout: 20_000 })
  return run.error === undefined ? run : undefined
}
