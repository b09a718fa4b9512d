import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultLimits } from '../../src/protocol/index.ts'
import { RecordingHost } from '../support/recording-host.ts'
import { Stand } from './stand.ts'

test('after some errors, further ones are answered slowly, but other clients and valid commands are not', async t => {
  const limits = { ...defaultLimits, softErrorLimit: 1 }
  const stand = await Stand.set(t, new RecordingHost(), {
    settings: { limits },
    timeouts: { errorDelayMs: 300, hostMs: 200 },
  })
  const wire = await stand.greeted()
  assert.equal((await wire.ask('FOO')).code, 500)
  const begun = performance.now()
  wire.say('BAR\r\n')
  const other = await stand.greeted()
  assert.equal((await other.mail('x\r\n')).code, 250)
  assert.equal((await wire.reply()).code, 500)
  assert.ok(performance.now() - begun >= 290)
  assert.deepEqual(stand.errors, [], 'the host is not asked, so it cannot be late')
  assert.equal((await wire.mail('x\r\n')).code, 250)
})

test('a client that disconnects in a pause is forgotten after it, and the server can stop at once', async t => {
  const limits = { ...defaultLimits, softErrorLimit: 0 }
  const conditions = { settings: { limits }, timeouts: { errorDelayMs: 100 } }
  const stand = await Stand.set(t, new RecordingHost(), conditions)
  const wire = await stand.greeted()
  await wire.put('FOO\r\n')
  wire.socket.destroy()
  await stand.emptied()

  const long = await Stand.set(t, new RecordingHost(), {
    ...conditions,
    timeouts: { errorDelayMs: 60_000 },
  })
  const waiting = await long.greeted()
  await waiting.put('FOO\r\n')
  await waiting.put('BAR\r\n')
  await long.server.close(0)
  assert.equal(long.server.connections, 0)
})
