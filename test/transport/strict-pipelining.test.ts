import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageSink } from '../../src/protocol/index.ts'
import { Later, RecordingHost } from '../support/recording-host.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { Stand } from './stand.ts'

const strict = { strictPipelining: true }

test('if pipelining is strict, a client that sends data before the greeting gets 554 instead of it', async t => {
  // The delay of the greeting never ends here.
  const stand = await Stand.set(t, new RecordingHost(), {
    settings: strict,
    timeouts: { earlyTalkMs: 60_000 },
  })
  const wire = await SmtpClient.connect(stand.port)
  wire.say('EHLO client.test\r\n')
  assert.match(await wire.rest(), /^554 5\.5\.0 [^\r\n]*\r\n$/)

  const secure = await SmtpClient.connect(stand.tlsPort, { tls: true })
  secure.say('E')
  assert.match(await secure.rest(), /^554 5\.5\.0 [^\r\n]*\r\n$/)
  await stand.emptied()
})

test('if pipelining is strict, a client that waits is served as usual', async t => {
  const host = new RecordingHost()
  const stand = await Stand.set(t, host, { settings: strict, timeouts: { earlyTalkMs: 10 } })
  for (const tls of [false, true]) {
    const wire = await stand.greeted(tls)
    assert.equal((await wire.mail('x\r\n')).code, 250)
  }
  const upgraded = await stand.greeted()
  assert.equal((await upgraded.ask('STARTTLS')).code, 220)
  await upgraded.wrap()
  await upgraded.ask('EHLO client.test')
  assert.equal((await upgraded.mail('x\r\n')).code, 250)
  assert.equal(host.delivered.length, 3)
})

test('a client that disconnects while its greeting is delayed is forgotten at once', async t => {
  const stand = await Stand.set(t, new RecordingHost(), {
    settings: strict,
    timeouts: { earlyTalkMs: 60_000 },
  })
  const wire = await SmtpClient.connect(stand.port)
  await stand.until(() => stand.server.connections === 1, 'the connection')
  wire.socket.destroy()
  await stand.emptied()
})

test('if pipelining is strict, a message is discarded when its client does not wait for the reply to DATA', async t => {
  const sink = new Later<MessageSink>()
  const asked = new Later<void>()
  const message = () => {
    asked.resolve()
    return sink.promise
  }
  const host = new RecordingHost({ message })
  const stand = await Stand.set(t, host, { settings: strict, timeouts: { earlyTalkMs: 1 } })
  const wire = await stand.greeted()
  await wire.ask('MAIL FROM:<a@example.org>')
  await wire.ask('RCPT TO:<b@example.org>')
  await wire.put('DATA\r\n')
  await asked.promise
  const [socket] = stand.sockets
  const read = socket!.bytesRead
  await wire.put('x\r\n')
  await stand.until(() => socket!.bytesRead > read, 'content')
  sink.resolve(host.sink)
  assert.match(await wire.rest(), /554 5\.5\.0 [^\r\n]*\r\n$/)
  wire.finish()
  await stand.emptied()
  assert.deepEqual(host.calls, { write: 0, deliver: 0, discard: 1 })
})
