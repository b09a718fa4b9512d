/** docs/replies.md and the short table in the README are printed from the code: `UPDATE=1` writes them anew. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reply } from '../../src/protocol/index.ts'
import { everyReply } from './every-reply.ts'
import { printed } from './markdown.ts'
import { engineReplies, failureReplies, hostReplies, outcomeTable, repliesPage } from './replies.ts'

test('the page of replies is what the code says', () => {
  const { found, right } = printed('docs/replies.md', 'replies', repliesPage())
  assert.equal(found, right)
})

test('the README has the outcomes of a mail as the failure table has them', () => {
  const { found, right } = printed('README.md', 'outcomes', outcomeTable())
  assert.equal(found, right)
})

test('every reply is on the page, and nothing else', () => {
  const kinds = (replies: readonly Reply[]) =>
    [...new Set(replies.map(({ code, status = '' }) => `${code} ${status}`))].toSorted()
  const onThePage = [
    ...[...engineReplies(), ...hostReplies()].map(({ reply }) => reply),
    ...failureReplies().map(({ failure }) => failure.reply),
  ]
  assert.deepEqual(kinds(onThePage), kinds(everyReply()))
  // What has no variable part is there word for word.
  const fixed = everyReply().filter(({ text }) => typeof text === 'string' && !/[*{]/.test(text))
  assert.ok(fixed.length > 60)
  const texts = new Set(onThePage.map(({ text }) => String(text)))
  for (const { text } of fixed) assert.ok(texts.has(String(text)), String(text))
})
