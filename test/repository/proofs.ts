import { readFileSync } from 'node:fs'
import { root } from './markdown.ts'

/** A test that a page names as a proof: `[label](test/file.test.ts): "title", "another title"`. */
export interface Proof {
  /** Its path in the repository. */
  readonly path: string
  readonly titles: readonly string[]
}

/** Returns the tests that a text names. @param up the path from its page to the root of the repository */
export function testsNamedIn(text: string, up: '' | '../'): readonly Proof[] {
  return [...text.matchAll(/\]\(((?:\.\.\/)?test\/[^)]+)\)((?:[:,] "[^"]*")*)/g)].map(([, path, quoted]) => ({
    path: path!.slice(up.length),
    titles: [...quoted!.matchAll(/"([^"]*)"/g)].map(([, title]) => title!),
  }))
}

/** Throws if a title is not a test in the file. @returns the number of titles */
export function expectTests({ path, titles }: Proof): number {
  const known = titlesIn(path)
  if (titles.length === 0) throw new Error(`no test of ${path} is named`)
  for (const title of titles) {
    if (!known.some(one => one.test(title))) throw new Error(`${path}: ${title}`)
  }
  return titles.length
}

/** Returns patterns of the test titles in a file. A placeholder in a title matches any text. */
function titlesIn(path: string): readonly RegExp[] {
  const file = new URL(path, `file://${root}`)
  const source = readFileSync(file, 'utf8')
  // A title may also be the property `text` in an imported file of the same folder.
  const rows = [...source.matchAll(/from '(\.\/[\w-]+\.ts)'/g)]
    .map(([, beside]) => readFileSync(new URL(beside!, file), 'utf8'))
    .flatMap(rows => [...rows.matchAll(/\btext: (['"`])((?:\\.|(?!\1).)*)\1/g)])
  const titles = [...source.matchAll(/\b(?:test|it|describe)\(\s*(['"`])((?:\\.|(?!\1).)*)\1/g)]
  return [...titles, ...rows].map(([, , title]) => {
    const parts = title!.replace(/\\(.)/g, '$1').split(/\$\{[^}]*\}/)
    return new RegExp(`^${parts.map(part => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.+')}$`)
  })
}
