import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { helpTable } from '../src/options.ts'

test('the options in the README are those of the program', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, printed] = /<!-- options -->\n(.*)<!-- \/options -->/s.exec(readme) ?? []
  assert.equal(printed, helpTable())
})
