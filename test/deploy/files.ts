/** The files of the folder deploy, as those who run the program read them. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'

/** What YAML or JSON holds; a test that reads what is not there fails. */
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

/** The documents of a file of YAML or JSON. Throws where it is neither. */
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

/** The first document of a kind. */
export function resource(documents: readonly Tree[], kind: string): Tree {
  const found = documents.find(tree => tree.kind === kind)
  if (found === undefined) throw new Error(`there is no ${kind}`)
  return found
}

/** `NAME=value` lines, of which comments are none. */
export function variablesIn(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.flatMap(line => {
      const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? []
      return name === undefined || value === undefined ? [] : [[name, value]]
    }),
  )
}
