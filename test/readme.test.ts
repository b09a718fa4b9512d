import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { helpTable } from '../src/options.ts'

test('the options in the README are those of the program', () => {
  const file = new URL('../README.md', import.meta.url)
  const readme = readFileSync(file, 'utf8')
  const right = readme.replace(
    /(<!-- options -->\n).*(<!-- \/options -->)/s,
    (_, begin, end) => begin + helpTable() + end,
  )
  if (process.env.UPDATE === '1') writeFileSync(file, right)
  else assert.equal(readme, right)
  assert.ok(right.includes(helpTable()))
})
