import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/free-port.ts'
import { peakMemoryOf, RelayProcess } from '../support/relay-process.ts'
import type { Books } from './books.ts'
import type { Life } from './record.ts'

const tlsFolder = fileURLToPath(new URL('../../fixtures/tls/', import.meta.url))
/** Certificates and their keys, which the program is given in turn. */
const certificates = [
  ['certificate.pem', 'key.pem'],
  ['renewed.pem', 'renewed-key.pem'],
] as const
const watchMs = 50
/** The program looks at its files every 5 seconds. */
const reloadMs = 20_000

/** How the program is run. */
export interface Manner {
  readonly env: Readonly<Record<string, string>>
  readonly args: readonly string[]
}

/** The program, from start to start: what it says, what it takes, and how it ends. */
export class Program {
  /** Times that it was started. */
  starts = 0
  /** Times that it said that the certificate was read. */
  reloads = 0
  peakBytes = 0
  /** What it said that is neither log nor expected. */
  readonly remarks: string[] = []
  readonly #books: Books
  readonly #manner: Manner
  readonly #folder: string
  readonly #port: number
  #relay: RelayProcess | undefined
  #tidy: (() => Promise<void>) | undefined
  #life: Life = { number: 0, kills: [] }
  /** Somebody has asked it to end. */
  #ending = false
  #certificate = 0
  readonly #timer: NodeJS.Timeout

  private constructor(books: Books, manner: Manner, folder: string, port: number) {
    this.#books = books
    this.#manner = manner
    this.#folder = folder
    this.#port = port
    this.#timer = setInterval(() => void this.#watch(), watchMs)
    process.once('exit', () => this.#relay?.signal('SIGKILL'))
  }

  static async start(books: Books, manner: Manner): Promise<Program> {
    const folder = await mkdtemp(join(tmpdir(), 'relay-soak-'))
    const program = new Program(books, manner, folder, await freePort())
    await program.#install()
    await program.begin()
    return program
  }

  get life(): Life {
    return this.#life
  }

  /** Where it listens; with TLS from the first byte, another one after each start. */
  portFor(implicitTls: boolean): number {
    return implicitTls ? (this.#relay?.tlsPort ?? this.#port) : this.#port
  }

  async begin(): Promise<void> {
    this.#ending = false
    // Somebody may be served before the start is known here.
    const life: Life = { number: ++this.starts, kills: [] }
    this.#life = life
    const tls = ['-c', join(this.#folder, 'cert.pem'), '-k', join(this.#folder, 'key.pem')]
    const { args, env } = this.#manner
    const scope = { after: (tidy: () => Promise<void>) => void (this.#tidy = tidy) }
    const relay = await RelayProcess.start(scope, {
      port: this.#port,
      implicitTls: true,
      args: ['-r', 'ses', ...tls, ...args],
      env,
      // The one who runs the soak ends it, and it ends the program.
      detached: true,
    })
    this.#relay = relay
    void relay.exited.then(exit => {
      if (this.#ending || this.#relay !== relay) return
      life.kills.push(performance.now())
      this.#fault(`it ended by itself: ${JSON.stringify(exit)}`)
      this.begin().catch((error: Error) => this.#fault(error.message))
    })
  }

  /** SIGTERM, and waits for the end. */
  async stop(): Promise<void> {
    this.#ending = true
    await this.#watch()
    this.#life.stoppedAt = performance.now()
    const relay = this.#relay!
    try {
      const { code, signal } = await relay.stop()
      if (code !== 0) this.#fault(`SIGTERM ended it with ${code ?? signal}`)
    } catch (error) {
      this.#fault(`SIGTERM did not end it: ${(error as Error).message}`)
      await this.kill()
    }
    // Its last words.
    await this.#watch()
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#ending = true
    await this.#watch()
    this.#life.kills.push(performance.now())
    await this.#relay!.kill()
  }

  /** SIGKILL to one of its workers. */
  async killWorker(): Promise<void> {
    const [pid] = await this.#relay!.workers()
    if (pid === undefined) return
    this.#life.kills.push(performance.now())
    process.kill(pid, 'SIGKILL')
  }

  /** Gives it another certificate, and waits until it has said that it has read it. */
  async reload(why: 'at a signal' | 'because it changed'): Promise<void> {
    const before = this.reloads
    await this.#install()
    if (why === 'at a signal') this.#relay!.signal('SIGHUP')
    const deadline = performance.now() + reloadMs
    while (this.reloads === before && performance.now() < deadline) await sleep(watchMs)
    if (this.reloads === before) this.#fault(`the certificate was not read within ${reloadMs} ms`)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#ending = true
    await this.#tidy?.()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #fault(text: string): void {
    this.#books.note({ type: 'program', text })
  }

  async #install(): Promise<void> {
    const [cert, key] = certificates[this.#certificate++ % certificates.length]!
    for (const [from, to] of [
      [key, 'key.pem'],
      [cert, 'cert.pem'],
    ] as const) {
      // Renaming, so that no half a file is ever read.
      await cp(join(tlsFolder, from), join(this.#folder, 'new'))
      await rename(join(this.#folder, 'new'), join(this.#folder, to))
    }
  }

  /** Looks at its memory, and takes what it has said, so that the log of hours need not be kept. */
  async #watch(): Promise<void> {
    const relay = this.#relay
    if (relay === undefined) return
    relay.stdout.all.length = 0
    for (const line of relay.stderr.all.splice(0)) {
      if (line === 'TLS certificate reloaded') this.reloads++
      else if (!expected.test(line) && this.remarks.length < 20) this.remarks.push(line)
    }
    const pids = [relay.pid, ...(await relay.workers())]
    const peaks = await Promise.all(pids.map(peakMemoryOf))
    const bytes = peaks.reduce<number>((sum, peak = 0) => sum + peak, 0)
    this.peakBytes = Math.max(this.peakBytes, bytes)
  }
}

/** Lines of the log, and what is said when it starts and stops. */
const expected =
  /^\{|^aws-smtp-relay \S+ listens |^Backend: |^Try: |^Shutting down: |^Backend check failed, |^Worker \d+ \(pid \d+\) was killed by SIGKILL; |^$/
