import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import { readProcessLimits } from '../../src/config/process-limits.ts'

const MiB = 1024 ** 2
/** The limit with which cgroups version 1 means that there is none. */
const huge = '9223372036854771712\n'

const v2Mount = (root = '/', directory = '/sys/fs/cgroup') =>
  `36 25 0:31 ${root} ${directory} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n`
const v1Mount = (root = '/', directory = '/sys/fs/cgroup/memory') =>
  `35 31 0:32 ${root} ${directory} rw,relatime shared:9 - cgroup cgroup rw,memory\n`
const otherMounts =
  '23 1 254:0 / / rw,relatime - ext4 /dev/root rw\n34 31 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n'

interface Layout {
  readonly title: string
  readonly cgroup: string
  readonly mountinfo: string
  /** The text of files, by path. */
  readonly files?: Readonly<Record<string, string>>
  readonly memoryBytes: number | undefined
}

const layouts: readonly Layout[] = [
  {
    title: 'version 2: the limit of its own cgroup',
    cgroup: '0::/system.slice/relay.service\n',
    mountinfo: otherMounts + v2Mount(),
    files: { '/sys/fs/cgroup/system.slice/relay.service/memory.max': `${512 * MiB}\n` },
    memoryBytes: 512 * MiB,
  },
  {
    title: 'version 2: the smallest limit up to the root, here that of a parent',
    cgroup: '0::/kubepods/pod1/relay\n',
    mountinfo: v2Mount(),
    files: {
      '/sys/fs/cgroup/kubepods/pod1/relay/memory.max': 'max\n',
      '/sys/fs/cgroup/kubepods/pod1/memory.max': `${256 * MiB}\n`,
      '/sys/fs/cgroup/kubepods/memory.max': `${4096 * MiB}\n`,
    },
    memoryBytes: 256 * MiB,
  },
  {
    title: 'version 2: the smallest limit up to the root, here its own',
    cgroup: '0::/a/b\n',
    mountinfo: v2Mount(),
    files: { '/sys/fs/cgroup/a/b/memory.max': `${MiB}\n`, '/sys/fs/cgroup/a/memory.max': `${2 * MiB}\n` },
    memoryBytes: MiB,
  },
  {
    title: 'version 2: a container with a cgroup namespace, whose own path is the root',
    cgroup: '0::/\n',
    mountinfo: v2Mount(),
    files: { '/sys/fs/cgroup/memory.max': `${512 * MiB}\n` },
    memoryBytes: 512 * MiB,
  },
  {
    title: 'version 2: a mount from outside of the cgroup namespace',
    cgroup: '0::/\n',
    mountinfo: v2Mount('/../../..'),
    files: { '/sys/fs/cgroup/memory.max': `${64 * MiB}\n` },
    memoryBytes: 64 * MiB,
  },
  {
    title: 'version 2: "max" means no limit',
    cgroup: '0::/a\n',
    mountinfo: v2Mount(),
    files: { '/sys/fs/cgroup/a/memory.max': 'max\n' },
    memoryBytes: undefined,
  },
  {
    title: 'version 1: the limit of its own cgroup',
    cgroup: '5:devices:/\n4:memory:/relay\n3:cpu,cpuacct:/other\n',
    mountinfo: otherMounts + v1Mount(),
    files: {
      '/sys/fs/cgroup/memory/relay/memory.limit_in_bytes': `${128 * MiB}\n`,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': huge,
    },
    memoryBytes: 128 * MiB,
  },
  {
    title: 'version 1: a controller that is mounted with others',
    cgroup: '4:cpuset,memory:/relay\n',
    mountinfo: '35 31 0:32 / /cg rw - cgroup cgroup rw,cpuset,memory\n',
    files: { '/cg/relay/memory.limit_in_bytes': `${MiB}\n` },
    memoryBytes: MiB,
  },
  {
    title: 'version 1: a container without a cgroup namespace, whose mount starts at its own cgroup',
    cgroup: '4:memory:/docker/0123abcd\n',
    mountinfo: v1Mount('/docker/0123abcd'),
    files: { '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${512 * MiB}\n` },
    memoryBytes: 512 * MiB,
  },
  {
    title: 'version 1: a cgroup below the one at which the mount starts',
    cgroup: '4:memory:/docker/0123abcd/inner\n',
    mountinfo: v1Mount('/docker/0123abcd'),
    files: {
      '/sys/fs/cgroup/memory/inner/memory.limit_in_bytes': huge,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${512 * MiB}\n`,
    },
    memoryBytes: 512 * MiB,
  },
  {
    title: 'version 1: a name that begins like that of the mount, but is not below it',
    cgroup: '4:memory:/docker-other\n',
    mountinfo: v1Mount('/docker'),
    files: {
      '/sys/fs/cgroup/memory-other/memory.limit_in_bytes': `${MiB}\n`,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${2 * MiB}\n`,
    },
    memoryBytes: 2 * MiB,
  },
  {
    title: 'version 1: the huge number means no limit',
    cgroup: '4:memory:/relay\n',
    mountinfo: v1Mount(),
    files: {
      '/sys/fs/cgroup/memory/relay/memory.limit_in_bytes': huge,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '18446744073709551615\n',
    },
    memoryBytes: undefined,
  },
  {
    title: 'both versions: version 1 has the memory controller',
    cgroup: '4:memory:/relay\n1:name=systemd:/relay\n0::/relay\n',
    mountinfo: v1Mount() + v2Mount('/', '/sys/fs/cgroup/unified'),
    files: { '/sys/fs/cgroup/memory/relay/memory.limit_in_bytes': `${300 * MiB}\n` },
    memoryBytes: 300 * MiB,
  },
  {
    title: 'a directory with a space and a colon',
    cgroup: '0::/a b:c\n',
    mountinfo: v2Mount('/', '/mnt/my\\040cgroups'),
    files: { '/mnt/my cgroups/a b:c/memory.max': `${MiB}\n` },
    memoryBytes: MiB,
  },
  { title: 'no cgroup is mounted', cgroup: '0::/\n', mountinfo: otherMounts, memoryBytes: undefined },
  { title: 'a kernel without cgroups', cgroup: '', mountinfo: otherMounts, memoryBytes: undefined },
  {
    title: 'files with other content',
    cgroup: 'x\n0:\n::\n',
    mountinfo: '- cgroup2\n1 2 3\n',
    memoryBytes: undefined,
  },
]

for (const { title, cgroup, mountinfo, files, memoryBytes } of layouts) {
  test(`memory of the process's cgroup, ${title}`, () => {
    const limits = readProcessLimits(
      readFrom({ '/proc/self/cgroup': cgroup, '/proc/self/mountinfo': mountinfo, ...files }),
    )
    assert.equal(limits.memoryBytes, memoryBytes)
  })
}

const limitsFile = (soft: string) =>
  [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max processes             7                    7                    processes ',
    `Max open files            ${soft.padEnd(21)}524288               files     `,
  ].join('\n')

for (const [soft, openFiles] of [
  ['1024', 1024],
  ['unlimited', undefined],
] as const) {
  test(`the soft limit of open files is read: ${soft}`, () => {
    const limits = readProcessLimits(readFrom({ '/proc/self/limits': limitsFile(soft) }))
    assert.equal(limits.openFiles, openFiles)
  })
}

test('if nothing can be read, only the heap has a limit', () => {
  assert.deepEqual(readProcessLimits(readFrom({})), {
    memoryBytes: undefined,
    heapBytes: getHeapStatistics().heap_size_limit,
    openFiles: undefined,
  })
})

const onLinux = process.platform === 'linux'

test('a real process reads its own limit of open files', {
  skip: onLinux ? false : 'there is no /proc',
}, () => {
  const { openFiles } = limitsOf('ulimit -n 123')
  assert.equal(openFiles, 123)
})

test('a real process reads the memory limit of a real cgroup', t => {
  const cgroup = makeCgroup(256 * MiB)
  if (typeof cgroup === 'string') return t.skip(cgroup)
  t.after(() => cgroup.remove())
  assert.equal(limitsOf(`echo $$ > '${cgroup.directory}/cgroup.procs'`).memoryBytes, 256 * MiB)
})

/** The limits that a process reads which starts after a shell command. */
function limitsOf(command: string): ReturnType<typeof readProcessLimits> {
  const module = new URL('../../src/config/process-limits.ts', import.meta.url).href
  const script = `console.log(JSON.stringify((await import('${module}')).readProcessLimits()))`
  const node = ['--import', 'tsx', '--input-type=module', '--eval', script]
  const shell = ['-c', `${command} && exec "$0" "$@"`, process.execPath, ...node]
  return JSON.parse(execFileSync('/bin/sh', shell, { encoding: 'utf8', timeout: 60_000 }))
}

/** A new cgroup with this limit, or the reason why there is none. */
function makeCgroup(bytes: number): { directory: string; remove(): void } | string {
  const mounts = onLinux ? readFileSync('/proc/self/mountinfo', 'utf8') : ''
  const v1 = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup \S+ \S*\bmemory\b/m.exec(mounts)?.[1]
  const v2 = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mounts)?.[1]
  const parent = v1 ?? v2
  if (parent === undefined) return 'no cgroup file system is mounted'
  const directory = `${parent}/relay-test-${process.pid}`
  const remove = () => rmdirSync(directory)
  try {
    mkdirSync(directory)
  } catch (error) {
    return `cannot create a cgroup: ${(error as Error).message}`
  }
  try {
    writeFileSync(`${directory}/${v1 === undefined ? 'memory.max' : 'memory.limit_in_bytes'}`, `${bytes}`)
  } catch (error) {
    remove()
    return `cannot set the limit of the cgroup: ${(error as Error).message}`
  }
  return { directory, remove }
}

function readFrom(files: Readonly<Record<string, string>>): (path: string) => string {
  return path => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return text
  }
}
