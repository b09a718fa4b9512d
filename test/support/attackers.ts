import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { AttackName } from './attacks.ts'
import { within } from './deadline.ts'
import type { RelayProcess } from './relay-process.ts'
import type { Scope } from './temporary-directory.ts'

/** A group of connections of one attack. */
export interface Order {
  readonly attack: AttackName
  readonly port: number
  /** Concurrent connections. */
  readonly connections: number
  /** Limit of new connections per second. */
  readonly perSecond?: number
  /** Use implicit TLS, even if the attack does not. */
  readonly tls?: boolean
  /** Connections in total. An ended connection is replaced until then (default: `connections`). */
  readonly total?: number
  /** The first three bytes of the 250 source addresses (default: 127.1.0). */
  readonly network?: string
}

/** The results of a group of connections. */
export interface Report {
  /** Connections that were established, including those that have ended. */
  readonly connected: number
  readonly open: number
  /** The last line of the server, or the error, and how many connections ended with it. */
  readonly ended: readonly (readonly [outcome: string, count: number])[]
  /** The most lines that the server sent on one connection that has ended. */
  readonly maxLines: number
}

/** A message to the process. */
export type Request =
  | { readonly type: 'attack'; readonly order: Order }
  | { readonly type: 'report' }
  | { readonly type: 'stop' }

const pollMs = 500
const program = fileURLToPath(new URL('attack-process.ts', import.meta.url))

/** Returns how the connections of a report ended, as text. */
export function endings({ ended }: Report): string {
  return ended.map(([outcome, count]) => `${count} × ${outcome}`).join(', ') || 'none'
}

/** A process that attacks a server with groups of connections. */
export class Attackers {
  readonly #child: ChildProcess
  /** Total connections of the latest order. */
  #ordered = 0

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Starts the process. Its connections are closed at the end of the scope. */
  static start(scope: Scope): Attackers {
    const child = fork(program, { execArgv: ['--import', 'tsx'] })
    // The server and its other clients have priority for the CPU.
    setPriority(child.pid!, 10)
    const attackers = new Attackers(child)
    scope.after(() => attackers.stop())
    return attackers
  }

  begin(order: Order): void {
    this.#ordered = order.total ?? order.connections
    this.#send({ type: 'attack', order })
  }

  /** Returns a report for each order, in the same sequence. */
  async reports(): Promise<readonly Report[]> {
    const answer = once(this.#child, 'message')
    this.#send({ type: 'report' })
    const [reports] = await within(answer, 'a report of the attackers')
    return reports as readonly Report[]
  }

  /**
   * Waits until all connections of the latest order are established and the server is idle, or the server has ended.
   *
   * @param maxMs longest wait, in milliseconds
   */
  async settled(server: RelayProcess, maxMs: number): Promise<void> {
    const deadline = performance.now() + maxMs
    let usedMs = 0
    let quiet = 0
    while (server.alive && performance.now() < deadline && quiet < 4) {
      await sleep(pollMs)
      const { connected } = (await this.reports()).at(-1)!
      const cpu = (await server.cpu()) ?? { usedMs: 0, running: false }
      const rests = !cpu.running && cpu.usedMs - usedMs < pollMs / 8
      quiet = connected >= this.#ordered && rests ? quiet + 1 : 0
      usedMs = cpu.usedMs
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const exit = once(this.#child, 'exit')
    if (this.#child.connected) this.#send({ type: 'stop' })
    await within(exit, 'the attackers to end')
  }

  #send(request: Request): void {
    this.#child.send(request)
  }
}
