import { execFile } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Scope } from '../support/temporary-directory.ts'

export const repository = fileURLToPath(new URL('../..', import.meta.url))
const installed = (name: string) => join(repository, 'node_modules', name)
const execute = promisify(execFile)

/** Milliseconds; far longer than anything here takes, even on a busy machine. */
const longestMs = 120_000

/** How a program ended. */
export interface Ending {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A folder in which only the package is installed. */
export interface Installation {
  readonly path: string
  /** Runs Node.js there. */
  node(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ending>
  /** Writes a file there, and returns its path. */
  write(name: string, text: string): Promise<string>
  /** Checks the types of files there. Returns the output of the compiler; empty without errors. */
  typeCheck(files: readonly string[], options: object): Promise<string>
}

/**
 * Packs the package and installs the tarball in an empty folder, without a network: `npm install` would need one, or a
 * cache that happens to hold all dependencies. So the tarball is unpacked to where npm would put it, and each dependency
 * that it declares is a link to the repository's own. A dependency that it does not declare is not there, and no other file
 * of the repository can be reached.
 *
 * Nothing is built: other tests run what is in dist at this moment.
 * @param without dependencies that are not installed
 */
export async function install(scope: Scope, without: readonly string[] = []): Promise<Installation> {
  const path = await mkdtemp(join(tmpdir(), 'embedding-'))
  scope.after(() => rm(path, { recursive: true, force: true }))
  const home = join(path, 'node_modules', 'aws-smtp-relay')
  await mkdir(home, { recursive: true })
  tarball ??= pack()
  await execute('tar', ['-xzf', await tarball, '-C', home, '--strip-components=1'])
  const { dependencies } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'))
  // A project in TypeScript for Node.js has these types.
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    if (!without.includes(name)) await link(name, path)
  }
  await writeFile(join(path, 'package.json'), '{ "type": "module" }\n')

  async function node(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ending> {
    const { PATH = '', HOME = '' } = process.env
    const options = { cwd: path, env: { PATH, HOME, ...env }, timeout: longestMs }
    return execute(process.execPath, args, options).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
    )
  }

  return {
    path,
    node,
    async write(name, text) {
      await writeFile(join(path, name), text)
      return join(path, name)
    },
    async typeCheck(files, options) {
      const compilerOptions = { strict: true, exactOptionalPropertyTypes: true, types: ['node'], ...options }
      await writeFile(join(path, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
      return (await node([join(installed('typescript'), 'bin', 'tsc'), '-p', path])).stdout
    },
  }
}

/** Returns the files that npm would publish. */
export async function packed(): Promise<readonly string[]> {
  const { stdout } = await npm(['pack', '--dry-run', '--json', '--ignore-scripts'])
  const [{ files }] = JSON.parse(stdout) as [{ files: readonly { path: string }[] }]
  return files.map(({ path }) => path)
}

/** Runs npm in the repository. */
export function npm(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return execute('npm', args, { cwd: repository, timeout: longestMs, maxBuffer: 64 * 1024 * 1024 })
}

/** The published package, packed once for all tests of a file. */
let tarball: Promise<string> | undefined

async function pack(): Promise<string> {
  if (!existsSync(join(repository, 'dist'))) throw new Error('there is no dist: npm run build makes it')
  const path = await mkdtemp(join(tmpdir(), 'packed-'))
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  const { stdout } = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', path])
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  return join(path, filename)
}

async function link(name: string, path: string): Promise<void> {
  const place = join(path, 'node_modules', name)
  await mkdir(dirname(place), { recursive: true })
  await symlink(installed(name), place, 'dir')
}
