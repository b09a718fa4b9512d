/** docs/options.md has the options of the program. `UPDATE=1` writes its tables. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helpTable, optionProperties } from '../../src/config/index.ts'
import { printed, table } from './markdown.ts'

test('docs/options.md has every option of the program', () => {
  const { found, right } = printed('docs/options.md', 'options', helpTable())
  assert.equal(found, right)
})

test('docs/options.md has every option that is a property of createServer', () => {
  const rows = optionProperties().map(([property, name]) => [`\`--${name}\``, `\`${property}\``])
  const { found, right } = printed('docs/options.md', 'properties', table(['Option', 'Property'], rows))
  assert.equal(found, right)
})
