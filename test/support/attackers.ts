import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { AttackName } from './attacks.ts'
import { within } from './deadline.ts'
import type { RelayProcess, Scope } from './relay-process.ts'

/** What a group of connections is to do. */
export interface Order {
  readonly attack: AttackName
  readonly port: number
  /** Connections at once. */
  readonly connections: number
  /** New connections a second, at most. */
  readonly perSecond?: number
  /** TLS comes first, also where the attack does not ask for it. */
  readonly tls?: boolean
  /** Connections in all; one that has ended is followed by another one until then (as many as at once if left out). */
  readonly total?: number
  /** The first three octets of the addresses that they come from, 250 in number (127.1.0 if left out). */
  readonly network?: string
}

/** What became of a group of connections. */
export interface Report {
  /** Connections that were made, those that have ended included. */
  readonly connected: number
  readonly open: number
  /** The last line of the server, or why there is none, and how many connections ended so. */
  readonly ended: readonly (readonly [outcome: string, count: number])[]
  /** The most lines that the server said to one connection that has ended. */
  readonly maxLines: number
}

/** What the process is told. */
export type Request =
  | { readonly type: 'attack'; readonly order: Order }
  | { readonly type: 'report' }
  | { readonly type: 'stop' }

const lookMs = 500
const program = fileURLToPath(new URL('attack-process.ts', import.meta.url))

/** How the connections of a report ended, for a message. */
export function endings({ ended }: Report): string {
  return ended.map(([outcome, count]) => `${count} × ${outcome}`).join(', ') || 'none'
}

/** A process that attacks a server, with as many groups of connections as it is told to. */
export class Attackers {
  readonly #child: ChildProcess
  /** Connections of the latest order. */
  #ordered = 0

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Its connections are closed at the end of the scope. */
  static start(scope: Scope): Attackers {
    const child = fork(program, { execArgv: ['--import', 'tsx'] })
    // The machine belongs to the server and its other clients first.
    setPriority(child.pid!, 10)
    const attackers = new Attackers(child)
    scope.after(() => attackers.stop())
    return attackers
  }

  begin(order: Order): void {
    this.#ordered = order.total ?? order.connections
    this.#send({ type: 'attack', order })
  }

  /** One report for each order, in the same sequence. */
  async reports(): Promise<readonly Report[]> {
    const answer = once(this.#child, 'message')
    this.#send({ type: 'report' })
    const [reports] = await within(answer, 'a report of the attackers')
    return reports as readonly Report[]
  }

  /**
   * Waits until all connections of the latest order are made, and the server has nothing more to do for them; or until
   * the server has ended.
   * @param maxMs how long it waits, at most
   */
  async settled(server: RelayProcess, maxMs: number): Promise<void> {
    const deadline = performance.now() + maxMs
    let usedMs = 0
    let quiet = 0
    while (server.alive && performance.now() < deadline && quiet < 4) {
      await sleep(lookMs)
      const { connected } = (await this.reports()).at(-1)!
      const cpu = (await server.cpu()) ?? { usedMs: 0, running: false }
      const rests = !cpu.running && cpu.usedMs - usedMs < lookMs / 8
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
