/** Checks the parts of the README that are printed from the code. `UPDATE=1` updates them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { printed, root } from './markdown.ts'

test('the receiver in the README is the example', () => {
  const example = readFileSync(`${root}examples/receiver.mjs`, 'utf8')
  const code = example.slice(example.indexOf('import '))
  const { found, right } = printed('README.md', 'receiver', `\`\`\`js\n${code}\`\`\`\n`)
  assert.equal(found, right)
})
