import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isInContext, type Stage } from './dockerfile.ts'

/** Longest duration of a RUN instruction, in milliseconds. */
const runMs = 240_000

/** The files of the image without its base, and how it is started. */
export interface Image {
  /** The folder on this machine that contains its root directory. */
  readonly root: string
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  readonly user: string
  readonly entrypoint: string
  readonly healthcheck: string
  readonly labels: string
  readonly stopSignal: string
}

/** The package registry could not be reached. This is not an error of the Dockerfile. */
export class NoPackages extends Error {}

/**
 * Does what the stages say, each in a folder of its own below `work`. There is no container: the base image is this
 * machine, a path of the image is one below the folder, and RUN runs as the user that runs this.
 * @param context the folder with the source and `.dockerignore`
 */
export function build(stages: readonly Stage[], context: string, work: string): Image {
  const dockerignore = readFileSync(join(context, '.dockerignore'), 'utf8')
  const roots = new Map<string, string>()
  let image: Image | undefined
  for (const { name, instructions } of stages) {
    const root = join(work, `stage-${name}`)
    roots.set(name, root)
    const said = new Map<string, string>()
    const environment: Record<string, string> = {}
    let directory = '/'
    for (const { name, rest } of instructions) {
      said.set(name, rest)
      if (name === 'WORKDIR') mkdirSync(join(root, (directory = rest)), { recursive: true })
      if (name === 'ENV') Object.assign(environment, Object.fromEntries([rest.split('=')]))
      if (name === 'RUN') run(rest, join(root, directory))
      if (name !== 'COPY') continue
      const [, from, paths = ''] = /^(?:--from=(\S+) )?([^-].*)$/.exec(rest)!
      const [target = '', ...sources] = paths.split(' ').reverse()
      for (const source of sources) {
        const into = join(root, directory, target, target === './' ? source : '')
        if (from !== undefined) cpSync(join(roots.get(from)!, source), into, { recursive: true })
        else copyFromContext(context, source, into, dockerignore)
      }
    }
    const word = (name: string) => said.get(name) ?? ''
    image = {
      root,
      directory,
      environment,
      user: word('USER'),
      entrypoint: word('ENTRYPOINT'),
      healthcheck: word('HEALTHCHECK'),
      labels: word('LABEL'),
      stopSignal: word('STOPSIGNAL'),
    }
  }
  return image!
}

/** Returns all files and folders below a folder, relative to it. */
export function everythingIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
}

/** Returns the size of all files, in bytes. */
export function bytesIn(folder: string): number {
  const stats = everythingIn(folder).map(path => statSync(join(folder, path)))
  return stats.reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0)
}

/** Makes all files read-only except for root, or writable again so that they can be removed. */
export function setWritable(root: string, writable: boolean): void {
  for (const path of ['.', ...everythingIn(root)]) {
    const file = join(root, path)
    const { mode } = statSync(file)
    chmodSync(file, writable ? mode | 0o200 : mode & ~0o222)
  }
}

function copyFromContext(context: string, source: string, into: string, dockerignore: string): void {
  if (!isInContext(source, dockerignore)) throw new Error(`.dockerignore leaves out ${source}`)
  cpSync(join(context, source), into, { recursive: true })
}

function run(command: string, cwd: string): void {
  const env = { ...process.env, npm_config_prefer_offline: 'true' }
  const { status, stdout, stderr, error } = spawnSync('/bin/sh', ['-c', command], {
    cwd,
    env,
    encoding: 'utf8',
    timeout: runMs,
  })
  if (status === 0) return
  const said = `${command}: ${error?.message ?? ''}\n${stdout}${stderr}`
  const unreachable =
    /npm error code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|E5\d\d)/
  if (unreachable.test(stderr) || (/\bnpm ci\b/.test(command) && error !== undefined))
    throw new NoPackages(said)
  throw new Error(said)
}
