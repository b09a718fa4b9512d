import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The transcripts that come with the package. */
export const shippedFixtures = fileURLToPath(new URL('../../../fixtures', import.meta.url))

/** A file to play, as it was found. */
export interface Source {
  readonly path: string
  /** What the summary counts it under: the name of its folder. */
  readonly folder: string
  readonly text: string
  /** The same, a byte a character. */
  readonly bytes: string
}

/**
 * Reads files, and the `.smtp` files in folders, each once and in the order of their paths; `-` is standard input.
 * Throws an `Error` that names what cannot be read.
 */
export function findSources(names: readonly string[]): Source[] {
  const paths = (names.length === 0 ? [nearby(shippedFixtures)] : names).flatMap(filesOf)
  return [...new Set(paths)].map(path => {
    const content = readFileSync(path === '-' ? 0 : path)
    const folder = path === '-' ? '-' : basename(dirname(resolve(path)))
    return { path, folder, text: content.toString(), bytes: content.toString('latin1') }
  })
}

/** As short as a path can be from here. */
function nearby(path: string): string {
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
