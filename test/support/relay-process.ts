import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { within } from './deadline.ts'
import { Lines } from './lines.ts'
import { MemoryCgroup } from './memory-cgroup.ts'
import type { Scope } from './temporary-directory.ts'

/** Path of the built program. */
export const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
const tlsFiles = new URL('../../fixtures/tls/', import.meta.url)

/** A self-signed certificate for the program. */
export const certificatePath = fileURLToPath(new URL('certificate.pem', tlsFiles))
export const keyPath = fileURLToPath(new URL('key.pem', tlsFiles))
/** Arguments for the program with the certificate and its key. */
export const tlsArguments = ['-c', certificatePath, '-k', keyPath]

export interface Start {
  /** Arguments besides `-a`. */
  readonly args?: readonly string[]
  /** Environment variables besides `PATH` and `HOME`. */
  readonly env?: Readonly<Record<string, string>>
  /** Listen with implicit TLS on a second port. */
  readonly implicitTls?: boolean
  /** The port to listen on (default: a free port). */
  readonly port?: number
  /** Limit of open file descriptors. */
  readonly maxFiles?: number
  /** Run in a memory cgroup of its own with this limit, as in a container; `MemoryCgroup.unavailable` must be `false`. */
  readonly memoryLimitBytes?: number
  /** The user and the group of the process, without `HOME`. Needs root. */
  readonly uid?: number
  /** Start it in a process group of its own, so that Ctrl-C in the terminal does not reach it. */
  readonly detached?: boolean
}

/** How a process ended. One of the two is null. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const listening =
  /^aws-smtp-relay \S+ listens on 127\.0\.0\.1:(\d+)(?:, tls:\/\/127\.0\.0\.1:(\d+))?(?: with \d+ workers)?$/

/** A process of the program, which listens on 127.0.0.1. */
export class RelayProcess {
  port = Number.NaN
  /** The port with implicit TLS, or NaN. */
  tlsPort = Number.NaN
  readonly stdout: Lines
  readonly stderr: Lines
  readonly exited: Promise<Exit>
  /** The memory cgroup that it runs in, if it has a limit. */
  readonly cgroup: MemoryCgroup | undefined
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, cgroup: MemoryCgroup | undefined) {
    this.#child = child
    this.cgroup = cgroup
    this.stdout = new Lines(child.stdout!)
    this.stderr = new Lines(child.stderr!)
    this.exited = exitOf(child)
  }

  /** Starts the program and waits until it listens. It is killed at the end of the scope. */
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
    // If the program ends instead, this promise has no other handler.
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

  /** Returns its peak memory in bytes, without its workers. Returns undefined if the system does not report it. */
  peakMemory(): Promise<number | undefined> {
    return peakMemoryOf(this.pid)
  }

  /**
   * Returns its CPU time in milliseconds and whether it is running or ready to run, both without its workers. Returns
   * undefined if the system does not report them.
   */
  async cpu(): Promise<{ readonly usedMs: number; readonly running: boolean } | undefined> {
    const stat = await readFile(`/proc/${this.pid}/stat`, 'latin1').catch(() => '')
    if (stat === '') return undefined
    // proc(5): the second field is in parentheses and may hold spaces; 3 is the state, 14 and 15 are hundredths of a second.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { usedMs: 10 * (Number(fields[11]) + Number(fields[12])), running: fields[0] === 'R' }
  }

  /** Returns the process ids of its workers. Returns none if the system does not report them. */
  async workers(): Promise<readonly number[]> {
    const text = await readFile(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').catch(() => '')
    return text.split(' ').filter(Boolean).map(Number)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Closes its standard output and standard error, like a log collector that dies. */
  stopReading(): void {
    this.#child.stdout!.destroy()
    this.#child.stderr!.destroy()
  }

  /** Stops reading its standard output, like a slow log collector. */
  pauseReading(): void {
    this.#child.stdout!.pause()
  }

  resumeReading(): void {
    this.#child.stdout!.resume()
  }

  /** Sends SIGTERM and waits until it has ended. */
  async stop(): Promise<Exit> {
    this.#child.kill('SIGTERM')
    return this.ended()
  }

  /** Kills it with SIGKILL and waits until it has ended. */
  async kill(): Promise<Exit> {
    this.#child.kill('SIGKILL')
    return this.ended()
  }

  /** Waits until it has ended and all its output was read. */
  async ended(): Promise<Exit> {
    const over = Promise.all([this.exited, this.stdout.ended, this.stderr.ended])
    const [exit] = await within(over, 'the program to end', () => `its output: ${this.stderr.all.join('\n')}`)
    return exit
  }
}

/** Returns the peak memory of a process in bytes. Returns undefined if the process or the figure does not exist. */
export async function peakMemoryOf(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? []
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

/** The exit and the output of a program that ended by itself. */
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
      () => `its output: ${stderr.all.join('\n')}`,
    )
    return { ...exit, stdout: stdout.all.join('\n'), stderr: stderr.all.join('\n') }
  } finally {
    child.kill('SIGKILL')
  }
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
  // Without the environment of the developer's account: no credentials, no options, no AWS profile.
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
