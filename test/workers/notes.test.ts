import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dedupe } from '../../src/program/workers/dedupe-notices.ts'

function stage() {
  const said: string[] = []
  const clock = { ms: 0 }
  const note = dedupe(
    text => said.push(text),
    () => clock.ms,
  )
  return { said, clock, note }
}

test('what several workers notice is said once', () => {
  const { said, clock, note } = stage()
  for (const speaker of [2, 0, 1]) {
    note('TLS certificate read again', speaker)
    clock.ms += 2_000
  }
  note('something else', 1)
  assert.deepEqual(said, ['TLS certificate read again', 'something else'])
})

test('who says it twice is heard twice, and the others once more with it', () => {
  const { said, note } = stage()
  for (const speaker of [0, 1, 1, 0, 2]) note('read again', speaker)
  assert.deepEqual(said, ['read again', 'read again'])
})

test('what was said long ago is news', () => {
  const { said, clock, note } = stage()
  note('read again', 0)
  clock.ms = 60_000
  note('read again', 1)
  assert.equal(said.length, 2)
})
