import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Family, numberOf, readExposition } from '../operations/exposition.ts'
import { within } from './deadline.ts'
import type { RelayProcess } from './relay-process.ts'

/** What the endpoint answered. */
export interface Answer {
  readonly status: number
  readonly text: string
}

/** All metrics of a program at a moment, without the prefix that they share. */
export interface Scrape {
  readonly text: string
  readonly families: ReadonlyMap<string, Family>
  /** The number of the line with exactly these labels. */
  of(name: string, labels?: Readonly<Record<string, string>>): number | undefined
}

/** A program that was started with `--admin 127.0.0.1:0`, as its operator sees it. */
export class Observed {
  readonly #base: string

  constructor(relay: RelayProcess) {
    const line = relay.stderr.all.find(line => line.startsWith('Health and metrics: '))
    this.#base = line!.slice('Health and metrics: '.length)
  }

  async ask(path: string): Promise<Answer> {
    const response = await fetch(new URL(path, this.#base), { signal: AbortSignal.timeout(5_000) })
    return { status: response.status, text: await response.text() }
  }

  async scrape(): Promise<Scrape> {
    const { text } = await this.ask('/metrics')
    const families = readExposition(text)
    return { text, families, of: (name, labels) => numberOf(families, `aws_smtp_relay_${name}`, labels) }
  }

  /** Waits until readiness is told in these words. */
  async ready(status: number, text: string | RegExp): Promise<Answer> {
    let answer: Answer | undefined
    const right = () =>
      answer?.status === status && (typeof text === 'string' ? answer.text === text : text.test(answer.text))
    const look = async () => {
      while (!right()) {
        answer = await this.ask('/readyz')
        if (!right()) await sleep(20)
      }
      return answer!
    }
    return within(look(), `readiness: ${status} ${text}`, () => JSON.stringify(answer))
  }

  /** Waits until the metrics are as they should be. */
  async until(right: (scrape: Scrape) => boolean, what: string): Promise<Scrape> {
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

/** What `promtool check metrics` of the Debian package `prometheus` says; `undefined` where it is not installed. */
export function promtool(text: string): SpawnSyncReturns<string> | undefined {
  const program = process.env.PROMTOOL ?? 'promtool'
  const run = spawnSync(program, ['check', 'metrics'], { input: text, encoding: 'utf8', timeout: 20_000 })
  return run.error === undefined ? run : undefined
}
