/** What the README shows of the program is the program's: `UPDATE=1` writes it anew. */
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
