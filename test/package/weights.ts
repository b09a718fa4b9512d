import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './installation.ts'
import { type Locked, locked } from './lock.ts'

/** What a dependency adds to an installation. */
export interface Weight extends Pick<Locked, 'name' | 'version' | 'license'> {
  /** Of the files of the package itself. */
  readonly ownBytes: number
  /** With all packages that it brings, some of which others bring, too. */
  readonly wholeBytes: number
  /** How many packages it brings, on this platform. */
  readonly brings: number
}

/** The dependencies that package.json declares, as they are installed here. */
export function weights(): readonly Weight[] {
  return declared().map(name => {
    const { version, license } = entryOf(name)
    const all = closure([name])
    return { name, version, license, ownBytes: bytesOf(name), wholeBytes: sum(all), brings: all.length - 1 }
  })
}

/** All of them together, each package once. */
export function total(): { readonly packages: number; readonly bytes: number } {
  const all = closure(declared())
  return { packages: all.length, bytes: sum(all) }
}

/** The table of `docs/dependencies.md`. */
export function weightTable(): string {
  const rows = weights().map(({ name, version, license, ownBytes, wholeBytes, brings }) =>
    [`\`${name}\``, version, license, sizeText(ownBytes), brings, sizeText(wholeBytes)].join(' | '),
  )
  const { packages, bytes } = total()
  return [
    '| Package | Version | Licence | Size | Brings packages | Size with these |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(row => `| ${row} |`),
    `| all of them, each package once |  |  |  | ${packages} in all | ${sizeText(bytes)} |`,
    '',
  ].join('\n')
}

/** Two digits: more would tell of file systems and platforms. */
function sizeText(bytes: number): string {
  const kilobytes = Number((bytes / 1000).toPrecision(2))
  return kilobytes < 1000 ? `${kilobytes} kB` : `${kilobytes / 1000} MB`
}

function declared(): readonly string[] {
  return Object.keys(JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')).dependencies)
}

const entries = new Map(locked().map(entry => [entry.name, entry]))

function entryOf(name: string): Locked {
  const entry = entries.get(name)
  if (entry === undefined) throw new Error(`${name} is not in the lock file`)
  return entry
}

/** The packages and all that they bring here; what other platforms need is not installed. */
function closure(names: readonly string[]): readonly string[] {
  const found = new Set<string>()
  const visit = (name: string) => {
    const { optional, dependencies, optionalDependencies } = entryOf(name)
    if (found.has(name) || (optional && bytesOf(name) === 0)) return
    found.add(name)
    for (const next of Object.keys({ ...dependencies, ...optionalDependencies })) visit(next)
  }
  names.forEach(visit)
  return [...found]
}

function sum(names: readonly string[]): number {
  return names.reduce((bytes, name) => bytes + bytesOf(name), 0)
}

/** What the files of a package take, without packages inside of it; 0 where it is not installed. */
function bytesOf(name: string): number {
  const path = join(repository, 'node_modules', name)
  const bytesIn = (folder: string): number =>
    readdirSync(folder, { withFileTypes: true }).reduce((bytes, entry) => {
      if (entry.isDirectory())
        return bytes + (entry.name === 'node_modules' ? 0 : bytesIn(join(folder, entry.name)))
      return bytes + statSync(join(folder, entry.name)).size
    }, 0)
  try {
    return bytesIn(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}
