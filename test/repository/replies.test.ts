/** docs/replies.md and the short table in the README are printed from the code. `UPDATE=1` updates them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reply } from '../../src/protocol/index.ts'
import { everyReply } from './every-reply.ts'
import { printed } from './markdown.ts'
import { engineReplies, failureReplies, hostReplies, outcomeTable, repliesPage } from './replies.ts'

test('docs/replies.md is printed from the code', () => {
  const { found, right } = printed('docs/replies.md', 'replies', repliesPage())
  assert.equal(found, right)
})

test('the README has the outcomes of the error table', () => {
  const { found, right } = printed('README.md', 'outcomes', outcomeTable())
  assert.equal(found, right)
})

test('the page has exactly the replies of the code', () => {
  const kinds = (replies: readonly Reply[]) =>
    [...new Set(replies.map(({ code, status = '' }) => `${code} ${status}`))].toSorted()
  const onThePage = [
    ...[...engineReplies(), ...hostReplies()].map(({ reply }) => reply),
    ...failureReplies().map(({ failure }) => failure.reply),
  ]
  assert.deepEqual(kinds(onThePage), kinds(everyReply()))
  // A reply without a variable part is on the page verbatim.
  const fixed = everyReply().filter(({ text }) => typeof text === 'string' && !/[*{]/.test(text))
  assert.ok(fixed.length > 60)
  const texts = new Set(onThePage.map(({ text }) => String(text)))
  for (const { text } of fixed) assert.ok(texts.has(String(text)), String(text))
})
