import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { testTimeoutMs } from './deadline.ts'

/** The files of a memory cgroup, by version. */
interface Layout {
  readonly mount: string
  readonly limit: string
  /** The limit of memory and swap together, or of swap alone. It need not exist. */
  readonly swap: { readonly file: string; readonly value: (bytes: number) => number }
  readonly peak: string
  /** Has a line `oom_kill N`. */
  readonly events: string
}

const v1: Layout = {
  mount: '/sys/fs/cgroup/memory',
  limit: 'memory.limit_in_bytes',
  swap: { file: 'memory.memsw.limit_in_bytes', value: bytes => bytes },
  peak: 'memory.max_usage_in_bytes',
  events: 'memory.oom_control',
}

const v2: Layout = {
  mount: '/sys/fs/cgroup',
  limit: 'memory.max',
  swap: { file: 'memory.swap.max', value: () => 0 },
  peak: 'memory.peak',
  events: 'memory.events',
}

/**
 * A memory cgroup of Linux: what a container's memory limit is. The kernel kills a process in it that would exceed the
 * limit. V8 sizes its heap by the limit: 272 MB of heap in 512 MiB, as in a container.
 */
export class MemoryCgroup {
  readonly limitBytes: number
  readonly #layout: Layout
  readonly #folder: string

  private constructor(layout: Layout, folder: string, limitBytes: number) {
    this.#layout = layout
    this.#folder = folder
    this.limitBytes = limitBytes
  }

  /** @throws Error that says why none can be created here */
  static create(limitBytes: number): MemoryCgroup {
    const { layout, parents } = find()
    const reasons: string[] = []
    for (const parent of parents) {
      const folder = join(parent, `relay-test-${process.pid}-${++created}`)
      try {
        mkdirSync(folder)
      } catch (error) {
        reasons.push((error as Error).message)
        continue
      }
      try {
        writeFileSync(join(folder, layout.limit), String(limitBytes))
        // Reading shows that the kernel keeps the file: `memory.peak` is there from Linux 5.19 on.
        readFileSync(join(folder, layout.peak))
        // A process is moved only by one that may write to both, and in version 2 to what holds both.
        for (const place of [parent, folder]) accessSync(join(place, 'cgroup.procs'), constants.W_OK)
      } catch (error) {
        rmdirSync(folder)
        reasons.push((error as Error).message)
        continue
      }
      try {
        writeFileSync(join(folder, layout.swap.file), String(layout.swap.value(limitBytes)))
      } catch {
        // A kernel that does not count swap has no such file.
      }
      return new MemoryCgroup(layout, folder, limitBytes)
    }
    throw new Error(`no memory cgroup can be created: ${reasons.join('; ') || 'no place for it'}`)
  }

  /** Why none can be created here, for the option `skip` of a test; `false` if one can. */
  static unavailable(): string | false {
    try {
      const cgroup = MemoryCgroup.create(64 * 1024 * 1024)
      rmdirSync(cgroup.#folder)
      return false
    } catch (error) {
      return (error as Error).message
    }
  }

  /** The command that runs another command in this cgroup; it enters before it executes the other. */
  wrap(command: readonly string[]): string[] {
    const enter = `echo $$ > '${join(this.#folder, 'cgroup.procs')}' && exec "$0" "$@"`
    return ['/bin/sh', '-c', enter, ...command]
  }

  /** The processes that run in it. */
  get pids(): readonly number[] {
    return this.#read('cgroup.procs').split('\n').filter(Boolean).map(Number)
  }

  /** The most memory that was in use at once, in bytes; pages of files and of the kernel count, too. */
  get peakBytes(): number {
    return Number(this.#read(this.#layout.peak))
  }

  /** Processes that the kernel has killed because they exceeded the limit. */
  get oomKills(): number {
    return Number(/^oom_kill (\d+)$/m.exec(this.#read(this.#layout.events))?.[1] ?? 0)
  }

  /** Kills the processes that are still in it, and removes it. */
  async remove(): Promise<void> {
    const deadline = performance.now() + testTimeoutMs
    for (;;) {
      for (const pid of this.pids) kill(pid)
      try {
        return rmdirSync(this.#folder)
      } catch (error) {
        // EBUSY: a process that was killed has not ended yet.
        if (performance.now() > deadline) throw error
      }
      await sleep(20)
    }
  }

  #read(file: string): string {
    return readFileSync(join(this.#folder, file), 'latin1')
  }
}

let created = 0

/** Where a cgroup could be created: below this process' own one, or below one of those that hold it. */
function find(): { layout: Layout; parents: readonly string[] } {
  let own: string
  try {
    own = readFileSync('/proc/self/cgroup', 'latin1')
  } catch {
    throw new Error('there are no cgroups on this system')
  }
  const older = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(own)?.[1]
  if (older !== undefined) return { layout: v1, parents: upwards(v1.mount, older) }
  const path = /^0::(.*)$/m.exec(own)?.[1]
  if (path === undefined) throw new Error('/proc/self/cgroup names no memory cgroup')
  // The memory controller must be enabled for the children of the parent, or they have no limit.
  const parents = upwards(v2.mount, path).filter(parent => {
    try {
      return readFileSync(join(parent, 'cgroup.subtree_control'), 'latin1').split(/\s/).includes('memory')
    } catch {
      return false
    }
  })
  if (parents.length === 0)
    throw new Error('the memory controller of cgroup v2 is not delegated to this process')
  return { layout: v2, parents }
}

/** The folder of a cgroup and of all those that hold it, the innermost first. */
function upwards(mount: string, path: string): string[] {
  const folders = [join(mount, path)]
  for (let folder = path; folder !== '/'; ) {
    folder = dirname(folder)
    folders.push(join(mount, folder))
  }
  return folders
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
