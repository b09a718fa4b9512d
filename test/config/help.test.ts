import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helpTable, helpText } from '../../src/config/index.ts'
import { names } from '../../src/config/option.ts'

test('the help has every option in at most 80 columns', () => {
  const help = helpText()
  for (const line of help.split('\n')) assert.ok(line.length <= 80, line)
  for (const name of names) assert.match(help, new RegExp(`^ {2}(-\\w,| {3}) --${name}( |$)`, 'm'))
  for (const entry of [
    '-a, --listen ADDRESSES',
    '    --max-size BYTES',
    '    --help',
    'BCRYPT_HASH',
    'PASSWORD',
  ]) {
    assert.ok(help.includes(`  ${entry}`), entry)
  }
  assert.ok(help.includes('(default ":1025")'))
})

test('the help and the table have the same groups of options', () => {
  const table = helpTable()
  const headings = helpText().match(/^[A-Z]\w+:$/gm)
  assert.deepEqual(headings?.join(' '), 'General: TLS: Authentication: Filters: Amazon: Limits: Operation:')
  for (const heading of headings ?? []) assert.ok(table.includes(`| **${heading.slice(0, -1)}** |  |  |`))
})

test('every row of the table has an option, its default and its meaning', () => {
  const table = helpTable()
  assert.ok(table.includes('| `-a` `--listen ADDRESSES` | `:1025` | TCP listen addresses'))
  assert.ok(table.includes('| `BCRYPT_HASH` |  | bcrypt hash'))
  const cells = table
    .trimEnd()
    .split('\n')
    .map(row => row.split('|').length)
  assert.deepEqual(new Set(cells), new Set([5]))
})
