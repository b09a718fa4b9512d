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
 * A memory cgroup of Linux, which is how containers limit memory. The kernel kills a process that exceeds the limit. V8
 * derives its heap size from the limit: 272 MB of heap in 512 MiB, as in a container.
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

  /** Creates a cgroup. @throws Error with the reason if this process cannot */
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
        // Check that the kernel has this file: `memory.peak` exists since Linux 5.19.
        readFileSync(join(folder, layout.peak))
        // Moving a process needs write access to both cgroups, and in version 2 to their common parent.
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
    throw new Error(`no memory cgroup can be created: ${reasons.join('; ') || 'there is no parent cgroup'}`)
  }

  /** Returns why no cgroup can be created, or false. Pass it to a test as `skip`. */
  static unavailable(): string | false {
    try {
      const cgroup = MemoryCgroup.create(64 * 1024 * 1024)
      rmdirSync(cgroup.#folder)
      return false
    } catch (error) {
      return (error as Error).message
    }
  }

  /** Returns a command that enters this cgroup and then executes the given command. */
  wrap(command: readonly string[]): string[] {
    const enter = `echo $$ > '${join(this.#folder, 'cgroup.procs')}' && exec "$0" "$@"`
    return ['/bin/sh', '-c', enter, ...command]
  }

  /** Ids of the processes in it. */
  get pids(): readonly number[] {
    return this.#read('cgroup.procs').split('\n').filter(Boolean).map(Number)
  }

  /** Peak memory in bytes, including file pages and kernel memory. */
  get peakBytes(): number {
    return Number(this.#read(this.#layout.peak))
  }

  /** Number of processes that the kernel has killed because of the limit. */
  get oomKills(): number {
    return Number(/^oom_kill (\d+)$/m.exec(this.#read(this.#layout.events))?.[1] ?? 0)
  }

  /** Kills the processes in it and removes it. */
  async remove(): Promise<void> {
    const deadline = performance.now() + testTimeoutMs
    for (;;) {
      for (const pid of this.pids) kill(pid)
      try {
        return rmdirSync(this.#folder)
      } catch (error) {
        // EBUSY: a killed process has not ended yet.
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

/** Returns the possible parents of a new cgroup: this process's own cgroup and its ancestors. */
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

/** Returns the folders of a cgroup and its ancestors, the innermost first. */
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
    // It has already ended.
  }
}
