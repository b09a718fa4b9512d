import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './installation.ts'
import { type Locked, locked } from './lock.ts'

/** What a dependency adds to an installation. */
export interface Weight extends Pick<Locked, 'name' | 'version' | 'license'> {
  /** Bytes of the files of the package itself. */
  readonly ownBytes: number
  /** Bytes including all packages that it depends on. Packages may share dependencies. */
  readonly wholeBytes: number
  /** The number of packages that it depends on, on this platform. */
  readonly brings: number
}

/** The dependencies in package.json, as installed here. */
export function weights(): readonly Weight[] {
  return declared().map(name => {
    const { version, license } = entryOf(name)
    const all = closure([name])
    return { name, version, license, ownBytes: bytesOf(name), wholeBytes: sum(all), brings: all.length - 1 }
  })
}

/** All dependencies together, each package once. */
export function total(): { readonly packages: number; readonly bytes: number } {
  const all = closure(declared())
  return { packages: all.length, bytes: sum(all) }
}

/** Returns the table of `docs/dependencies.md`. */
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

/** Returns a size with two digits: more would depend on file systems and platforms. */
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

/** Returns the packages and all their dependencies. Those for other platforms are not installed. */
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

/** Returns the bytes of the files of a package, without packages inside of it; 0 if it is not installed. */
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
