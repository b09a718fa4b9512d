import assert from 'node:assert/strict'
import { test } from 'node:test'
import { discard } from '../../src/relay/discard.ts'

test('discard accepts every message', async () => {
  const relay = discard()
  assert.equal(relay.name, 'discard')
  assert.deepEqual(
    await relay.send({
      id: '',
      sender: '',
      recipients: ['bob@example.org'],
      content: [],
      headerBytes: 0,
      size: 0,
    }),
    {},
  )
})
