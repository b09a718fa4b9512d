import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/free-port.ts'
import { peakMemoryOf, RelayProcess } from '../support/relay-process.ts'
import type { Ledger } from './ledger.ts'
import type { ProcessRun } from './ledger-entry.ts'

const tlsFolder = fileURLToPath(new URL('../../fixtures/tls/', import.meta.url))
/** Certificates and keys that the program gets in turn. */
const certificates = [
  ['certificate.pem', 'key.pem'],
  ['renewed.pem', 'renewed-key.pem'],
] as const
const pollMs = 50
/** The program checks its files every 5 seconds. */
const reloadMs = 20_000

/** Options of the program. */
export interface ProgramOptions {
  readonly env: Readonly<Record<string, string>>
  readonly args: readonly string[]
}

/** The program over several starts: its output, its memory, and how it ends. */
export class Program {
  /** Number of starts. */
  starts = 0
  /** Number of certificate reloads that it reported. */
  reloads = 0
  peakBytes = 0
  /** Unexpected lines on standard error. */
  readonly unexpectedLines: string[] = []
  readonly #ledger: Ledger
  readonly #options: ProgramOptions
  readonly #folder: string
  readonly #port: number
  #relay: RelayProcess | undefined
  #cleanUp: (() => Promise<void>) | undefined
  #processRun: ProcessRun = { number: 0, kills: [] }
  /** True if the soak has stopped or killed it. */
  #ending = false
  #certificate = 0
  readonly #timer: NodeJS.Timeout

  private constructor(ledger: Ledger, options: ProgramOptions, folder: string, port: number) {
    this.#ledger = ledger
    this.#options = options
    this.#folder = folder
    this.#port = port
    this.#timer = setInterval(() => void this.#poll(), pollMs)
    process.once('exit', () => this.#relay?.signal('SIGKILL'))
  }

  static async start(ledger: Ledger, options: ProgramOptions): Promise<Program> {
    const folder = await mkdtemp(join(tmpdir(), 'relay-soak-'))
    const program = new Program(ledger, options, folder, await freePort())
    await program.#installCertificate()
    await program.begin()
    return program
  }

  get processRun(): ProcessRun {
    return this.#processRun
  }

  /** Returns its port. The port with implicit TLS changes with each start. */
  portFor(implicitTls: boolean): number {
    return implicitTls ? (this.#relay?.tlsPort ?? this.#port) : this.#port
  }

  async begin(): Promise<void> {
    this.#ending = false
    // A client may be served before `start` resolves.
    const processRun: ProcessRun = { number: ++this.starts, kills: [] }
    this.#processRun = processRun
    const tls = ['-c', join(this.#folder, 'cert.pem'), '-k', join(this.#folder, 'key.pem')]
    const { args, env } = this.#options
    const scope = { after: (cleanUp: () => Promise<void>) => void (this.#cleanUp = cleanUp) }
    const relay = await RelayProcess.start(scope, {
      port: this.#port,
      implicitTls: true,
      args: ['-r', 'ses', ...tls, ...args],
      env,
      // Ctrl-C ends the soak, which then ends the program.
      detached: true,
    })
    this.#relay = relay
    void relay.exited.then(exit => {
      if (this.#ending || this.#relay !== relay) return
      processRun.kills.push(performance.now())
      this.#addFinding(`it ended by itself: ${JSON.stringify(exit)}`)
      this.begin().catch((error: Error) => this.#addFinding(error.message))
    })
  }

  /** Sends SIGTERM and waits for the end. */
  async stop(): Promise<void> {
    this.#ending = true
    await this.#poll()
    this.#processRun.stoppedAt = performance.now()
    const relay = this.#relay!
    try {
      const { code, signal } = await relay.stop()
      if (code !== 0) this.#addFinding(`SIGTERM ended it with ${code ?? signal}`)
    } catch (error) {
      this.#addFinding(`SIGTERM did not end it: ${(error as Error).message}`)
      await this.kill()
    }
    // Reads the last lines.
    await this.#poll()
  }

  /** Sends SIGKILL and waits for the end. */
  async kill(): Promise<void> {
    this.#ending = true
    await this.#poll()
    this.#processRun.kills.push(performance.now())
    await this.#relay!.kill()
  }

  /** Sends SIGKILL to one of its workers. */
  async killWorker(): Promise<void> {
    const [pid] = await this.#relay!.workers()
    if (pid === undefined) return
    this.#processRun.kills.push(performance.now())
    process.kill(pid, 'SIGKILL')
  }

  /** Installs another certificate, and waits until the program has reported that it reloaded it. */
  async reload(trigger: 'on a signal' | 'after a change'): Promise<void> {
    const before = this.reloads
    await this.#installCertificate()
    if (trigger === 'on a signal') this.#relay!.signal('SIGHUP')
    const deadline = performance.now() + reloadMs
    while (this.reloads === before && performance.now() < deadline) await sleep(pollMs)
    if (this.reloads === before) this.#addFinding(`the certificate was not reloaded within ${reloadMs} ms`)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#ending = true
    await this.#cleanUp?.()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #addFinding(text: string): void {
    this.#ledger.addFinding({ type: 'program', text })
  }

  async #installCertificate(): Promise<void> {
    const [cert, key] = certificates[this.#certificate++ % certificates.length]!
    for (const [from, to] of [
      [key, 'key.pem'],
      [cert, 'cert.pem'],
    ] as const) {
      // Renames the file, so that the program never reads an incomplete one.
      await cp(join(tlsFolder, from), join(this.#folder, 'new'))
      await rename(join(this.#folder, 'new'), join(this.#folder, to))
    }
  }

  /** Reads its memory and its output. The log lines are dropped, to bound the memory of a long soak. */
  async #poll(): Promise<void> {
    const relay = this.#relay
    if (relay === undefined) return
    relay.stdout.all.length = 0
    for (const line of relay.stderr.all.splice(0)) {
      if (line === 'TLS certificate reloaded') this.reloads++
      else if (!expected.test(line) && this.unexpectedLines.length < 20) this.unexpectedLines.push(line)
    }
    const pids = [relay.pid, ...(await relay.workers())]
    const peaks = await Promise.all(pids.map(peakMemoryOf))
    const bytes = peaks.reduce<number>((sum, peak = 0) => sum + peak, 0)
    this.peakBytes = Math.max(this.peakBytes, bytes)
  }
}

/** Log lines, and the messages at start and stop. */
const expected =
  /^\{|^aws-smtp-relay \S+ listens |^Backend: |^Try: |^Shutting down: |^Backend check failed, |^Worker \d+ \(pid \d+\) was killed by SIGKILL; |^$/
