import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { within } from './deadline.ts'
import { Lines } from './lines.ts'
import type { Scope } from './relay-process.ts'

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

  /** @param command behind `node`; the program's own file if it begins with a dash */
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

  /** As a person would: Ctrl-C, and again. To kill `script` would leave the program alone with a terminal that is gone. */
  async #end(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.stdin!.write('\x03\x03')
    await within(exit, 'the program to end', () => this.lines.all.join('\n'))
  }
}
