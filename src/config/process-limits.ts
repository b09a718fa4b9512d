import { readFileSync } from 'node:fs'
import { getHeapStatistics } from 'node:v8'

/** What the operating system and V8 allow this process. */
export interface ProcessLimits {
  /** Memory that its cgroups allow it; `undefined` where there is no limit, or none can be read. */
  readonly memoryBytes: number | undefined
  /** The largest heap of V8 (`--max-old-space-size`, or what V8 chose). */
  readonly heapBytes: number
  /** Files, sockets among them, that it may have open (`ulimit -n`); `undefined` as above. */
  readonly openFiles: number | undefined
}

/**
 * Reads the limits of this process. It never throws: outside of Linux, and where `/proc` or the cgroup file system cannot
 * be read, a limit is `undefined`.
 * @param read gives the text of a file, or throws
 */
export function readProcessLimits(
  read: (path: string) => string = path => readFileSync(path, 'utf8'),
): ProcessLimits {
  const text = (path: string): string => {
    try {
      return read(path)
    } catch {
      return ''
    }
  }
  return {
    memoryBytes: memoryLimit(text),
    heapBytes: getHeapStatistics().heap_size_limit,
    // Node.js raises the soft limit to the hard one when it starts, and this is the soft one after that.
    openFiles: count(/^Max open files\s+(\d+)/m.exec(text('/proc/self/limits'))?.[1]),
  }
}

type Text = (path: string) => string

/** The smallest limit on the way from the process's own cgroup up to the root, as each of them holds (cgroups(7)). */
function memoryLimit(text: Text): number | undefined {
  const cgroups = text('/proc/self/cgroup').split('\n').flatMap(memoryCgroup)
  const mounts = text('/proc/self/mountinfo').split('\n').flatMap(cgroupMount)
  const limits = cgroups.flatMap(({ version, path }) =>
    mounts
      .filter(mount => mount.version === version)
      .flatMap(({ root, directory }) => ancestors(below(root, path)).map(name => directory + name))
      .map(directory => count(text(`${directory}/${limitFile[version]}`).trim())),
  )
  const found = limits.filter(limit => limit !== undefined)
  return found.length === 0 ? undefined : Math.min(...found)
}

const limitFile = { 1: 'memory.limit_in_bytes', 2: 'memory.max' } as const

type Version = keyof typeof limitFile

/** A line of `/proc/self/cgroup`, `4:memory:/path` or `0::/path`, if it is about memory. */
function memoryCgroup(line: string): { version: Version; path: string }[] {
  const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
  if (controllers === undefined || path === undefined) return []
  if (controllers === '') return [{ version: 2, path }]
  return controllers.split(',').includes('memory') ? [{ version: 1, path }] : []
}

/** A line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)), if it is a file system of cgroups that knows of memory. */
function cgroupMount(line: string): { version: Version; root: string; directory: string }[] {
  const [mount = '', fileSystem = ''] = line.split(' - ')
  const [, , , root, directory] = mount.split(' ').map(unescapeOctal)
  const [type, , options = ''] = fileSystem.split(' ')
  if (root === undefined || directory === undefined) return []
  if (type === 'cgroup2') return [{ version: 2, root, directory }]
  return type === 'cgroup' && options.split(',').includes('memory') ? [{ version: 1, root, directory }] : []
}

/**
 * Where a cgroup is in a mount that shows only what is below `root`. A container without a cgroup namespace has a mount of
 * its own cgroup, and knows its path from the root of the host. If the path is not below the root, the mount's own
 * directory is the nearest one that can be seen.
 */
function below(root: string, path: string): string {
  const prefix = root === '/' ? '' : root
  return path === root || path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : ''
}

/** `/a/b` gives `/a/b`, `/a` and the empty text, which is the mount's directory itself. */
function ancestors(path: string): string[] {
  const names = path.split('/').filter(name => name !== '')
  return [...names.map((_, index) => `/${names.slice(0, names.length - index).join('/')}`), '']
}

/** A space, tab, newline or backslash in a path is written as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** A limit; `undefined` for `max`, `unlimited`, nothing, or the huge number that means no limit in cgroups version 1. */
function count(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}
