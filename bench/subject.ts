import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** What a process has used so far. */
export interface Usage {
  /** User and system time. */
  readonly cpuMs: number
  readonly residentBytes: number
  readonly peakBytes: number
  /** The longest time since `begin` that its event loop was busy. */
  readonly stallMs: number
}

/** A load: so many mails of so many bytes. */
export interface Load {
  readonly connections: number
  readonly mails: number
  readonly bytes: number
  readonly connection: 'kept' | 'new'
}

/** What a load cost. */
export interface Cost {
  readonly cpuMsPerMail: number
  readonly mailsPerSecond: number
  readonly stallMs: number
}

/** A server that is measured, in a process of its own. */
export class Subject {
  readonly #child: ChildProcess
  readonly #port: number

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.#port = port
  }

  /** @param argumentsFor what it is started with to listen on a port of 127.0.0.1 */
  static async start(
    program: string,
    argumentsFor: (port: number) => readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Subject> {
    const port = await freePort()
    const child = fork(here(program), argumentsFor(port), {
      execArgv: ['--import', here('probe.mjs')],
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const gone = once(child, 'exit').then(([code]) => {
      throw new Error(`${program} ended with ${code}`)
    })
    gone.catch(() => {})
    await Promise.race([greeted(port), gone])
    return new Subject(child, port)
  }

  async usage(moment: 'begin' | 'now' | 'end' = 'now'): Promise<Usage> {
    const answer = once(this.#child, 'message')
    this.#child.send(moment)
    const [usage] = await answer
    return usage as Usage
  }

  /** Puts a load on it, from another process. */
  async bear({ connections, mails, bytes, connection }: Load): Promise<Cost> {
    const before = await this.usage('begin')
    const words = [here('load.mjs'), this.#port, connections, mails, bytes, connection].map(String)
    const { stdout } = await promisify(execFile)(process.execPath, words)
    const after = await this.usage('end')
    const { seconds } = JSON.parse(stdout) as { seconds: number }
    return {
      cpuMsPerMail: (after.cpuMs - before.cpuMs) / mails,
      mailsPerSecond: mails / seconds,
      stallMs: after.stallMs,
    }
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Resolves when somebody greets at the port. */
async function greeted(port: number): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const heard = await Promise.race([once(socket, 'data'), once(socket, 'close')]).catch(() => [])
    socket.destroy()
    if (String(heard[0] ?? '').startsWith('220')) return
    if (Date.now() > deadline) throw new Error(`nobody greets on port ${port}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
