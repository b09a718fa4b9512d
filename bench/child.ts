import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The path of a file beside this one. */
export const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** A process of its own that is told and asked over IPC; it ends with the bench, however that ends. */
export class Child {
  readonly #program: string
  readonly #process: ChildProcess
  readonly #gone: Promise<unknown>
  #complaint = ''

  /** @param program a file in this folder */
  constructor(
    program: string,
    words: readonly (string | number)[],
    env: Readonly<Record<string, string>> = {},
    execArgv: readonly string[] = [],
  ) {
    this.#program = program
    this.#process = fork(here(program), words.map(String), {
      execArgv: [...execArgv],
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#process.stderr?.setEncoding('utf8').on('data', text => {
      this.#complaint = (this.#complaint + text).slice(-2000)
    })
    // Not `exit`: its last words may come behind that.
    this.#gone = once(this.#process, 'close')
  }

  /** Tells it something, if anything, and resolves with the next thing that it says. */
  async ask<T>(message?: string): Promise<T> {
    const answer = once(this.#process, 'message')
    answer.catch(() => {})
    // One that is gone already says so below.
    if (message !== undefined && this.#process.connected) this.#process.send(message, () => {})
    const [said] = await Promise.race([answer, this.#gone.then(() => this.#fail())])
    return said as T
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#gone
  }

  #fail(): never {
    const { exitCode, signalCode } = this.#process
    throw new Error(`${this.#program} ended with ${signalCode ?? exitCode}: ${this.#complaint.trim()}`)
  }
}
