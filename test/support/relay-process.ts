import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { within } from './deadline.ts'
import { Lines } from './lines.ts'
import { MemoryCgroup } from './memory-cgroup.ts'

/** The program as it is built. */
export const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
const tlsFiles = new URL('../../fixtures/tls/', import.meta.url)

/** The certificate that `tls` gives to the program; it is its own authority. */
export const certificatePath = fileURLToPath(new URL('certificate.pem', tlsFiles))
export const keyPath = fileURLToPath(new URL('key.pem', tlsFiles))
/** Arguments that give the program a certificate. */
export const tlsArguments = ['-c', certificatePath, '-k', keyPath]

/** Whatever can be told to tidy up behind itself: a test, or a file of tests. */
export interface Scope {
  after(tidy: () => Promise<void>): void
}

export interface Start {
  /** Arguments besides `-a`. */
  readonly args?: readonly string[]
  /** Environment variables besides `PATH` and `HOME`. */
  readonly env?: Readonly<Record<string, string>>
  /** Listen with implicit TLS on a second port. */
  readonly implicitTls?: boolean
  /** A port to use again; a free one if left out. */
  readonly port?: number
  /** File descriptors that it may have open at once. */
  readonly maxFiles?: number
  /** Run in a memory cgroup of its own with this limit, as in a container; `MemoryCgroup.unavailable` must be `false`. */
  readonly memoryLimitBytes?: number
  /** The user and the group that it runs as, without `HOME`; only root can ask for it. */
  readonly uid?: number
  /** Ctrl-C in the terminal of whoever starts it is not for it. */
  readonly detached?: boolean
}

/** How a process ended: one of the two is null. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const listening =
  /^aws-smtp-relay \S+ listens on 127\.0\.0\.1:(\d+)(?:, tls:\/\/127\.0\.0\.1:(\d+))?(?: with \d+ workers)?$/

/** The program as users start it, listening on 127.0.0.1. */
export class RelayProcess {
  port = Number.NaN
  /** The one with implicit TLS, if there is one. */
  tlsPort = Number.NaN
  readonly stdout: Lines
  readonly stderr: Lines
  readonly exited: Promise<Exit>
  /** The memory cgroup that it runs in, if it was given a limit. */
  readonly cgroup: MemoryCgroup | undefined
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, cgroup: MemoryCgroup | undefined) {
    this.#child = child
    this.cgroup = cgroup
    this.stdout = new Lines(child.stdout!)
    this.stderr = new Lines(child.stderr!)
    this.exited = exitOf(child)
  }

  /** Starts it and waits until it says that it listens. It is killed at the end of the scope. */
  static async start(
    scope: Scope,
    { args = [], env, implicitTls, port = 0, memoryLimitBytes, ...how }: Start,
  ): Promise<RelayProcess> {
    const addresses = [`127.0.0.1:${port}`, ...(implicitTls ? ['tls://127.0.0.1:0'] : [])]
    const cgroup = memoryLimitBytes === undefined ? undefined : MemoryCgroup.create(memoryLimitBytes)
    const child = launch(['-a', addresses.join(','), '-h', 'relay.test', ...args], env, { ...how, cgroup })
    const relay = new RelayProcess(child, cgroup)
    scope.after(async () => {
      await relay.kill()
      await cgroup?.remove()
    })
    const up = relay.stderr.find(/^Try: /)
    // Where the program ends instead, nobody waits for this line any more.
    up.catch(() => {})
    await Promise.race([up, relay.exited.then(() => relay.stderr.ended)])
    // Warnings may come first.
    const line = relay.stderr.all.find(line => listening.test(line))
    const [, plain, tls] = listening.exec(line ?? '') ?? []
    if (plain === undefined) throw new Error(`the program did not start: ${relay.stderr.all.join('\n')}`)
    relay.port = Number(plain)
    relay.tlsPort = Number(tls)
    return relay
  }

  get pid(): number {
    return this.#child.pid!
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The most memory that it has had, in bytes, without its workers; `undefined` where the system does not tell. */
  peakMemory(): Promise<number | undefined> {
    return peakMemoryOf(this.pid)
  }

  /**
   * Milliseconds of CPU time that it has used, and whether it waits for a CPU or has one now, both without its workers;
   * `undefined` where the system does not tell.
   */
  async cpu(): Promise<{ readonly usedMs: number; readonly running: boolean } | undefined> {
    const stat = await readFile(`/proc/${this.pid}/stat`, 'latin1').catch(() => '')
    if (stat === '') return undefined
    // proc(5): the second field is in parentheses and may hold spaces; 3 is the state, 14 and 15 are hundredths of a second.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { usedMs: 10 * (Number(fields[11]) + Number(fields[12])), running: fields[0] === 'R' }
  }

  /** Its workers' process ids; none where the system does not tell. */
  async workers(): Promise<readonly number[]> {
    const text = await readFile(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').catch(() => '')
    return text.split(' ').filter(Boolean).map(Number)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Closes our ends of its output, as a log collector does that dies. */
  stopReading(): void {
    this.#child.stdout!.destroy()
    this.#child.stderr!.destroy()
  }

  /** Leaves the log where it is for a while, as a log collector does that is slow. */
  pauseReading(): void {
    this.#child.stdout!.pause()
  }

  resumeReading(): void {
    this.#child.stdout!.resume()
  }

  /** Asks it to end, as an init system does, and waits for it. */
  async stop(): Promise<Exit> {
    this.#child.kill('SIGTERM')
    return this.ended()
  }

  /** Ends it at once, as a power failure would. */
  async kill(): Promise<Exit> {
    this.#child.kill('SIGKILL')
    return this.ended()
  }

  /** Waits until it has ended and all of its output was read. */
  async ended(): Promise<Exit> {
    const over = Promise.all([this.exited, this.stdout.ended, this.stderr.ended])
    const [exit] = await within(over, 'the program to end', () => `it said ${this.stderr.all.join('\n')}`)
    return exit
  }
}

/** The most memory that a process has had, in bytes; `undefined` where it is gone, or the system does not tell. */
export async function peakMemoryOf(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? []
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

/** What a run of the program that ends by itself left behind. */
export interface Run extends Exit {
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program with exactly these arguments until it ends by itself. */
export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  maxFiles?: number,
): Promise<Run> {
  const child = launch(args, env, maxFiles === undefined ? {} : { maxFiles })
  const stdout = new Lines(child.stdout!)
  const stderr = new Lines(child.stderr!)
  try {
    const [exit] = await within(
      Promise.all([exitOf(child), stdout.ended, stderr.ended]),
      'the program to end by itself',
      () => `it said ${stderr.all.join('\n')}`,
    )
    return { ...exit, stdout: stdout.all.join('\n'), stderr: stderr.all.join('\n') }
  } finally {
    child.kill('SIGKILL')
  }
}

/** An empty directory that is gone at the end of the scope. */
export async function temporaryDirectory(scope: Scope): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'relay-test-'))
  scope.after(() => rm(path, { recursive: true, force: true }))
  return path
}

interface Confinement extends Pick<Start, 'maxFiles' | 'detached' | 'uid'> {
  readonly cgroup?: MemoryCgroup | undefined
}

function launch(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { maxFiles, cgroup, detached = false, uid }: Confinement = {},
): ChildProcess {
  const command = [process.execPath, program, ...args]
  const limited = maxFiles === undefined ? [] : ['/bin/sh', '-c', `ulimit -n ${maxFiles}; exec "$0" "$@"`]
  const inner = [...limited, ...command]
  const [file = '', ...rest] = cgroup === undefined ? inner : cgroup.wrap(inner)
  // Nothing of the tester's own: no credentials, no options, no profile in the home directory.
  const clean = { PATH: process.env.PATH ?? '', ...(uid === undefined && { HOME: '/nonexistent' }) }
  return spawn(file, rest, {
    env: { ...clean, ...env },
    detached,
    ...(uid !== undefined && { uid, gid: uid }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}
