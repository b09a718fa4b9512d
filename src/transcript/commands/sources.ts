import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the transcripts that come with the package. */
export const shippedFixtures = fileURLToPath(new URL('../../../fixtures', import.meta.url))

/** A file to play. */
export interface Source {
  readonly path: string
  /** The name of its folder. The summary counts files by folder. */
  readonly folder: string
  readonly text: string
  /** The content with each byte as one character. */
  readonly bytes: string
}

/**
 * Reads files and the `.smtp` files in folders, each file once. Without names, it reads the transcripts of the package.
 *
 * @param names paths, or `-` for standard input
 * @throws Error that names the file or folder that cannot be read
 */
export function findSources(names: readonly string[]): Source[] {
  const paths = (names.length === 0 ? [relativePath(shippedFixtures)] : names).flatMap(filesOf)
  return [...new Set(paths)].map(path => {
    const content = readFileSync(path === '-' ? 0 : path)
    const folder = path === '-' ? '-' : basename(dirname(resolve(path)))
    return { path, folder, text: content.toString(), bytes: content.toString('latin1') }
  })
}

/** Returns a path relative to the working directory, if it is inside. */
function relativePath(path: string): string {
  const short = relative('', path)
  return short.startsWith('..') ? path : short
}

function filesOf(name: string): string[] {
  if (name === '-' || !statSync(name).isDirectory()) return [name]
  const found = readdirSync(name, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.smtp'))
    .sort()
  if (found.length === 0) throw new Error(`no .smtp files in ${name}`)
  return found.map(file => join(name, file))
}
