import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { within } from '../support/deadline.ts'
import { Lines } from '../support/lines.ts'
import type { Scope } from '../support/temporary-directory.ts'

/** Why tests on a terminal cannot run here; false where they can. To be given to a test as `skip`. */
export const noTerminal =
  spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0
    ? false
    : 'script of util-linux is not installed'

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

/** A program of Node.js on a terminal of its own: all that it says in one, line by line, CR and all. */
export class Terminal {
  readonly lines: Lines
  readonly #child: ChildProcess
  #program: number | undefined

  /** @param command the arguments of `node`; the program's own file if it begins with a dash */
  constructor(scope: Scope, command: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const words = [process.execPath, ...(command[0]?.startsWith('-') ? [program] : []), ...command]
    const quoted = words.map(word => `'${word}'`).join(' ')
    this.#child = spawn('script', ['-qec', `exec ${quoted}`, '/dev/null'], {
      env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', TERM: 'xterm-256color', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.lines = new Lines(this.#child.stdout!)
    this.#child.stdin!.on('error', () => {})
    scope.after(() => this.#end())
  }

  /** What a person types. */
  type(keys: string): void {
    this.#child.stdin!.write(keys)
  }

  /** From now on nothing reads the terminal, as where its other end hangs; the program itself goes on. */
  hang(): void {
    this.#child.kill('SIGSTOP')
  }

  /** The other end of the terminal reads again. */
  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** Sends a signal to the program, not to its terminal. */
  signal(signal: NodeJS.Signals): void {
    process.kill(this.#pid, signal)
  }

  /** Resolves when the program has ended, also where its terminal hangs. */
  async ended(): Promise<void> {
    const pid = this.#pid
    const end = async () => {
      // A zombie has ended; only the stopped `script` has not heard of it.
      while (/^State:\s+[^ZX]/m.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')))
        await sleep(20)
    }
    await within(end(), 'the program to end', () => this.lines.all.join('\n'))
  }

  /** The exit code of the program; the other end of the terminal has to read. */
  async exitCode(): Promise<number | null> {
    if (this.#child.exitCode === null)
      await within(once(this.#child, 'exit'), 'script to end', () => this.lines.all.join('\n'))
    return this.#child.exitCode
  }

  /** Of the program, which `script` has started. */
  get #pid(): number {
    const { pid } = this.#child
    this.#program ??= Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
    return this.#program
  }

  /** As a person would: Ctrl-C, and again. To kill `script` would leave the program alone with a terminal that is gone. */
  async #end(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const exit = once(this.#child, 'exit')
    this.resume()
    this.#child.stdin!.write('\x11\x03\x03')
    await within(exit, 'the program to end', () => this.lines.all.join('\n'))
  }
}
