import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { locked } from './lock.ts'
import { weights, weightTable } from './weights.ts'

const file = new URL('../../docs/dependencies.md', import.meta.url)
const update = process.env.UPDATE === '1'
const marked = /(<!-- weights -->\n).*(<!-- \/weights -->)/s

test('the table of sizes has the packages, versions and licences of the lock file, and sizes as measured here', () => {
  const text = readFileSync(file, 'utf8')
  if (update)
    writeFileSync(
      file,
      text.replace(marked, (_, begin, end) => begin + weightTable() + end),
    )
  else {
    const written = rowsOf(marked.exec(text)![0])
    const measured = rowsOf(weightTable())
    assert.deepEqual(written.map(exact), measured.map(exact))
    for (const [n, row] of written.entries()) {
      for (const column of [3, 5]) {
        // A binary has a different size on each platform.
        const ratio = bytesIn(row[column]!) / bytesIn(measured[n]![column]!)
        assert.ok(
          ratio > 0.6 && ratio < 1.6,
          `${row[0]} says ${row[column]}, and it is ${measured[n]![column]}`,
        )
      }
    }
  }
})

test('every dependency is explained', () => {
  const [before = ''] = readFileSync(file, 'utf8').split('<!-- weights -->')
  const explained = rowsOf(before).map(([name]) => name)
  assert.deepEqual(
    explained.sort(),
    weights()
      .map(({ name }) => `\`${name}\``)
      .sort(),
  )
})

test('docs/dependencies.md names all licences', () => {
  const found = new Set(locked().map(({ license }) => license))
  assert.deepEqual([...found].sort(), ['0BSD', 'Apache-2.0', 'MIT'])
  assert.match(readFileSync(file, 'utf8'), /All licences are MIT, Apache-2\.0 or 0BSD\./)
})

test('no package runs a script when it is installed', () => {
  assert.deepEqual(
    locked().filter(entry => 'hasInstallScript' in entry),
    [],
  )
})

/** Returns the rows of a table below its heading, each as its cells. */
function rowsOf(text: string): readonly (readonly string[])[] {
  const lines = text.split('\n').filter(line => line.startsWith('|'))
  return lines.slice(2).map(line =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim()),
  )
}

/** Returns everything of a row except sizes. */
function exact(row: readonly string[]): readonly string[] {
  return row.filter((_, column) => column !== 3 && column !== 5)
}

function bytesIn(text: string): number {
  const [, number, unit] = /^([\d.]+) ([kM]B)$/.exec(text) ?? []
  return text === '' ? 1 : Number(number) * (unit === 'MB' ? 1e6 : 1e3)
}
