/** The files of the folder deploy, parsed. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'

/** The content of YAML or JSON. A test that reads a missing property fails. */
// biome-ignore lint/suspicious/noExplicitAny: the shapes are those of Kubernetes, ECS and others
export type Tree = any

export const folder = fileURLToPath(new URL('../../deploy/', import.meta.url))

/** Every file, by its path in the folder. */
export const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => `${entry.parentPath}/${entry.name}`.replace(/\/+/g, '/').slice(folder.length))

export function textOf(path: string): string {
  return readFileSync(folder + path, 'utf8')
}

/** Returns the documents of a YAML or JSON file. Throws if it is neither. */
export function documentsOf(path: string): readonly Tree[] {
  return readDocuments(textOf(path))
}

export function readDocuments(text: string): readonly Tree[] {
  return parseAllDocuments(text, { strict: true, uniqueKeys: true })
    .map(document => {
      if (document.errors.length > 0) throw document.errors[0]
      return document.toJS()
    })
    .filter(tree => tree !== null)
}

/** Returns the first document of a kind. */
export function resource(documents: readonly Tree[], kind: string): Tree {
  const found = documents.find(tree => tree.kind === kind)
  if (found === undefined) throw new Error(`there is no ${kind}`)
  return found
}

/** Returns the `NAME=value` lines, without comments. */
export function variablesIn(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.flatMap(line => {
      const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? []
      return name === undefined || value === undefined ? [] : [[name, value]]
    }),
  )
}
