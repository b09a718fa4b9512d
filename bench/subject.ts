import { Child } from './child.ts'
import type { Load } from './loads.ts'
import type { Profile } from './profile.ts'

/** What a process has used so far. */
export interface Usage {
  /** User and system time. */
  readonly cpuMs: number
  readonly residentBytes: number
  readonly peakBytes: number
  /** The longest time since `begin` that its event loop was busy. */
  readonly stallMs: number
}

/** What a load cost. */
export interface Cost {
  readonly cpuMsPerMail: number
  readonly mailsPerSecond: number
  readonly stallMs: number
}

/** How it came to listen. */
export interface Start {
  /** From the moment it was asked for. */
  readonly ms: number
  readonly cpuMs: number
  /** The clients of AWS that it has loaded. */
  readonly awsClients: readonly string[]
}

/** A server that is measured, in a process of its own. */
export class Subject {
  readonly port: number
  readonly start: Start
  readonly #child: Child

  private constructor(child: Child, port: number, start: Start) {
    this.#child = child
    this.port = port
    this.start = start
  }

  /** @param words what it is started with to listen on a free port of 127.0.0.1 */
  static async start(
    program: string,
    words: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Subject> {
    const begun = performance.timeOrigin + performance.now()
    const probe = new URL('probe.mjs', import.meta.url).href
    const child = new Child(program, words, env, ['--expose-gc', '--import', probe])
    const { port, at, ...start } = await child.ask<{ port: number; at: number } & Omit<Start, 'ms'>>()
    return new Subject(child, port, { ...start, ms: at - begun })
  }

  /** `collect` lets go of what is not needed any more, first. */
  usage(moment: 'begin' | 'now' | 'end' | 'collect' = 'now'): Promise<Usage> {
    return this.#child.ask(moment)
  }

  /** Puts a load on it, from another process. */
  async bear({ connections, bytes, connection }: Load, seconds: number): Promise<Cost> {
    const before = await this.usage('begin')
    const words = [this.port, connections, seconds, bytes, connection]
    const load = new Child('load.mjs', words)
    // Where both end, what the subject says is why.
    const sent = await load.ask<{ seconds: number; mails: number }>().catch(async error => {
      await this.usage()
      throw error
    })
    const after = await this.usage('end')
    await load.stop()
    return {
      cpuMsPerMail: (after.cpuMs - before.cpuMs) / sent.mails,
      mailsPerSecond: sent.mails / sent.seconds,
      stallMs: after.stallMs,
    }
  }

  /** Runs the work, and tells what the process did meanwhile. */
  async profile(work: () => Promise<unknown>): Promise<Profile> {
    await this.#child.ask('profile')
    await work()
    return this.#child.ask('profile')
  }

  stop(): Promise<void> {
    return this.#child.stop()
  }
}
