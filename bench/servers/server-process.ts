import { MeasuredChild } from './child-process.ts'

/** What a process has used since it started. */
export interface Usage {
  /** User and system time. */
  readonly cpuMs: number
  readonly residentBytes: number
  readonly peakBytes: number
  /** The longest time since `begin` for which its event loop was blocked. */
  readonly stallMs: number
}

/** A CPU profile of V8: the function that was running at each sample. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

/** What the start of a server took, until it listened. */
export interface Start {
  /** From the call that started it. */
  readonly ms: number
  readonly cpuMs: number
  /** The AWS SDK clients that it has loaded. */
  readonly awsClients: readonly string[]
}

/** A server that is measured, in a child process. */
export class ServerProcess {
  readonly port: number
  readonly start: Start
  readonly #child: MeasuredChild

  private constructor(child: MeasuredChild, port: number, start: Start) {
    this.#child = child
    this.port = port
    this.start = start
  }

  /** Starts a server and waits until it listens. @param args must make it listen on a free port of 127.0.0.1 */
  static async start(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<ServerProcess> {
    const begun = performance.timeOrigin + performance.now()
    const probe = new URL('probe.mjs', import.meta.url).href
    const child = new MeasuredChild(program, args, env, ['--expose-gc', '--import', probe])
    const { port, at, ...start } = await child.request<{ port: number; at: number } & Omit<Start, 'ms'>>()
    return new ServerProcess(child, port, { ...start, ms: at - begun })
  }

  /** Returns what the process has used. `begin` resets the stall time; `collect` collects garbage first. */
  usage(moment: 'begin' | 'now' | 'end' | 'collect' = 'now'): Promise<Usage> {
    return this.#child.request(moment)
  }

  /** Records a CPU profile of the process while `work` runs. */
  async profile(work: () => Promise<unknown>): Promise<CpuProfile> {
    await this.#child.request('profile')
    await work()
    return this.#child.request('profile')
  }

  stop(): Promise<void> {
    return this.#child.stop()
  }
}
