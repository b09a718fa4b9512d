import { readFileSync } from 'node:fs'
import { getHeapStatistics } from 'node:v8'

/** The limits that the operating system and V8 set for this process. */
export interface ProcessLimits {
  /** The memory limit of its cgroups; `undefined` if there is none, or if it cannot be read. */
  readonly memoryBytes: number | undefined
  /** The largest heap of V8: `--max-old-space-size`, or what V8 has chosen. */
  readonly heapBytes: number
  /** The maximum of open files, sockets included (`ulimit -n`); `undefined` likewise. */
  readonly openFiles: number | undefined
}

/**
 * Reads the limits of this process. Never throws: a limit is `undefined` if the system is not Linux, or if
 * `/proc` or the cgroup file system cannot be read.
 * @param read returns the text of a file, or throws
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
    // Node.js raises the soft limit to the hard limit at start; this is the raised one.
    openFiles: parseLimit(/^Max open files\s+(\d+)/m.exec(text('/proc/self/limits'))?.[1]),
  }
}

type ReadText = (path: string) => string

/**
 * Returns the smallest limit from the process's own cgroup up to the root, because every one of them applies
 * (cgroups(7)).
 */
function memoryLimit(text: ReadText): number | undefined {
  const cgroups = text('/proc/self/cgroup').split('\n').flatMap(memoryCgroup)
  const mounts = text('/proc/self/mountinfo').split('\n').flatMap(cgroupMount)
  const limits = cgroups.flatMap(({ version, path }) =>
    mounts
      .filter(mount => mount.version === version)
      .flatMap(({ root, directory }) => ancestors(pathInMount(root, path)).map(name => directory + name))
      .map(directory => parseLimit(text(`${directory}/${limitFile[version]}`).trim())),
  )
  const found = limits.filter(limit => limit !== undefined)
  return found.length === 0 ? undefined : Math.min(...found)
}

const limitFile = { 1: 'memory.limit_in_bytes', 2: 'memory.max' } as const

type Version = keyof typeof limitFile

/**
 * Reads a line of `/proc/self/cgroup`, `4:memory:/path` or `0::/path`. Returns nothing if it is not about
 * memory.
 */
function memoryCgroup(line: string): { version: Version; path: string }[] {
  const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
  if (controllers === undefined || path === undefined) return []
  if (controllers === '') return [{ version: 2, path }]
  return controllers.split(',').includes('memory') ? [{ version: 1, path }] : []
}

/**
 * Reads a line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)). Returns nothing if it is no cgroup file
 * system with memory.
 */
function cgroupMount(line: string): { version: Version; root: string; directory: string }[] {
  const [mount = '', fileSystem = ''] = line.split(' - ')
  const [, , , root, directory] = mount.split(' ').map(unescapeOctal)
  const [type, , options = ''] = fileSystem.split(' ')
  if (root === undefined || directory === undefined) return []
  if (type === 'cgroup2') return [{ version: 2, root, directory }]
  return type === 'cgroup' && options.split(',').includes('memory') ? [{ version: 1, root, directory }] : []
}

/**
 * Returns the path of a cgroup in a mount that shows only what is below `root`. A container without a cgroup
 * namespace has a mount of its own cgroup, but its path starts at the root of the host. If the path is not
 * below `root`, the mount's own directory is the nearest cgroup that is visible.
 */
function pathInMount(root: string, path: string): string {
  const prefix = root === '/' ? '' : root
  return path === root || path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : ''
}

/** Returns `/a/b`, `/a` and the empty text for `/a/b`. The empty text is the directory of the mount. */
function ancestors(path: string): string[] {
  const names = path.split('/').filter(name => name !== '')
  return [...names.map((_, index) => `/${names.slice(0, names.length - index).join('/')}`), '']
}

/** Decodes a path, in which a space, tab, newline or backslash is written as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/**
 * Reads a limit. Returns `undefined` for `max`, `unlimited`, no text, and the huge number that cgroups
 * version 1 uses for no limit.
 */
function parseLimit(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}
