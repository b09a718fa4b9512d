import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Returns the path of a file. @param file relative to the folder `bench` */
export const benchPath = (file: string) => fileURLToPath(new URL(`../${file}`, import.meta.url))

/** A child process that answers requests over IPC. It ends when the benchmark ends. */
export class MeasuredChild {
  readonly #program: string
  readonly #process: ChildProcess
  readonly #closed: Promise<unknown>
  #errorOutput = ''

  /** @param program relative to the folder `bench` */
  constructor(
    program: string,
    args: readonly (string | number)[],
    env: Readonly<Record<string, string>> = {},
    execArgv: readonly string[] = [],
  ) {
    this.#program = program
    this.#process = fork(benchPath(program), args.map(String), {
      execArgv: [...execArgv],
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#process.stderr?.setEncoding('utf8').on('data', text => {
      this.#errorOutput = (this.#errorOutput + text).slice(-2000)
    })
    // Not `exit`: the last output may arrive after that.
    this.#closed = once(this.#process, 'close')
  }

  /** Sends a message, if there is one, and resolves with the next message of the child. */
  async request<T>(message?: string): Promise<T> {
    const answer = once(this.#process, 'message')
    answer.catch(() => {})
    // If the child has already ended, the error below says so.
    if (message !== undefined && this.#process.connected) this.#process.send(message, () => {})
    const [reply] = await Promise.race([answer, this.#closed.then(() => this.#fail())])
    return reply as T
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#closed
  }

  #fail(): never {
    const { exitCode, signalCode } = this.#process
    throw new Error(`${this.#program} ended with ${signalCode ?? exitCode}: ${this.#errorOutput.trim()}`)
  }
}
