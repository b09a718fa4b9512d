import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'

// `npm run mutants` takes minutes. This test shows quickly that a line in its list was changed.

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const explanations = parse(read('scripts/mutants/survivors.yaml')) as readonly {
  readonly file: string
  readonly why: string
  readonly survive: Readonly<Record<string, readonly string[]>>
}[]
const { mutate, tap } = JSON.parse(read('scripts/mutants/stryker.config.json')) as {
  readonly mutate: readonly string[]
  readonly tap: { readonly testFiles: readonly string[] }
}

test('every explained mutant is in an existing line', () => {
  assert.ok(explanations.length > 0)
  for (const { file, why, survive } of explanations) {
    assert.ok(mutate.includes(file), file)
    assert.match(why, /^[A-Z].*\.$/)
    const lines = new Set(
      read(file)
        .split('\n')
        .map(line => line.trim()),
    )
    for (const [line, changes] of Object.entries(survive)) {
      assert.ok(lines.has(line), `${file} has no line ${line}`)
      for (const change of changes) assert.match(change, /^.+ → /)
    }
  }
})

test('the mutated files and their tests exist, and docs/testing.md names them', () => {
  const page = read('docs/testing.md')
  for (const file of [...mutate, ...tap.testFiles]) {
    assert.notEqual(read(file), '')
    assert.ok(page.includes(file.split('/').at(-1)!), file)
  }
})
