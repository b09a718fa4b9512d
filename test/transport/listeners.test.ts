import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { within } from '../support/deadline.ts'
import { RecordingHost } from '../support/recording-host.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { Stand } from './stand.ts'

test('one server listens on several addresses, and serves each in its way', async t => {
  const host = new RecordingHost()
  const stand = await Stand.set(t, host)
  const second = await stand.server.listen({ host: '127.0.0.1', port: 0, implicitTls: false })
  const third = await stand.server.listen({ host: '127.0.0.1', port: 0, implicitTls: true })
  const ways = [
    [stand.port, false],
    [stand.tlsPort, true],
    [second.port, false],
    [third.port, true],
  ] as const
  for (const [port, tls] of ways) {
    const wire = await SmtpClient.connect(port, { tls })
    const { text } = await wire.greet()
    assert.equal(text.includes('STARTTLS'), !tls)
    assert.equal((await wire.mail('x\r\n')).code, 250)
    wire.vanish()
  }
  assert.equal(host.delivered.length, 4)
  await stand.emptied()
})

test('an address that is taken rejects, and the server goes on', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const again = stand.server.listen({ host: '127.0.0.1', port: stand.port, implicitTls: false })
  await assert.rejects(again, { code: 'EADDRINUSE' })
  await stand.greeted()
  assert.deepEqual(stand.faults, [])
})

test('a server that is closed while it begins to listen does not go on listening, and never begins again', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const begun = stand.server.listen({ host: '127.0.0.1', port: 0 })
  await within(stand.server.close(0), 'the server to close')
  const { port } = await begun
  await assert.rejects(SmtpClient.connect(port), { code: 'ECONNREFUSED' })
  const again = stand.server.listen({ host: '127.0.0.1', port: 0 })
  await assert.rejects(again, { message: 'the server is closed' })
})

test('a client that speaks SMTP to a port with implicit TLS is closed', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wire = await SmtpClient.connect(stand.tlsPort)
  wire.say('EHLO client.test\r\nMAIL FROM:<a@example.org>\r\n')
  // TLS may say that it understood nothing, in an alert; SMTP says nothing.
  assert.doesNotMatch(await wire.rest(), /\d{3} /)
  await stand.emptied()
  assert.deepEqual(stand.faults, [])
})

test('TLS 1.1 is refused in the handshake, TLS 1.2 is not', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const shakeHands = (maxVersion: 'TLSv1.1' | 'TLSv1.2') => {
    const socket = connectTls({
      port: stand.tlsPort,
      host: '127.0.0.1',
      servername: 'relay.test',
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion,
      // Otherwise OpenSSL would not even ask for it.
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    t.after(() => socket.destroy())
    return within(once(socket, 'secureConnect'), 'a TLS handshake')
  }
  await assert.rejects(shakeHands('TLSv1.1'), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
  await shakeHands('TLSv1.2')
  assert.deepEqual(stand.faults, [])
})

test('after STARTTLS the session starts over', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wire = await stand.greeted()
  assert.equal((await wire.ask('AUTH PLAIN AHVzZXIAc2VjcmV0')).code, 235)
  await wire.ask('MAIL FROM:<a@example.org>')
  await wire.startTls()
  assert.equal((await wire.ask('MAIL FROM:<a@example.org>')).code, 503)
  const { text } = await wire.ask('EHLO client.test')
  assert.ok(text.includes('AUTH PLAIN') && !text.includes('STARTTLS'), text)
  assert.equal((await wire.mail('x\r\n')).code, 250)
})

test('what follows STARTTLS in the clear is never obeyed', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wire = await stand.greeted()
  wire.say('STARTTLS\r\nMAIL FROM:<a@example.org>\r\n')
  const heard = await wire.rest()
  assert.doesNotMatch(heard, /250/)
  await stand.emptied()
})

test('a server that closes says 421 to all that are idle, and ends when they are gone', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wires = [await stand.greeted(), await stand.greeted(true), await SmtpClient.connect(stand.port)]
  await wires[2]!.reply()
  const closed = stand.server.close(60_000)
  for (const wire of wires) {
    assert.match(await wire.rest(), /^421 4\.3\.2 /)
    wire.vanish()
  }
  await closed
  await assert.rejects(SmtpClient.connect(stand.port), { code: 'ECONNREFUSED' })
})

test('a server that closes waits for the mail under way, and for no second one', async t => {
  const host = new RecordingHost()
  const stand = await Stand.set(t, host)
  const wire = await stand.greeted()
  await wire.open()
  const closed = stand.server.close(60_000)
  wire.say('x\r\n.\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n')
  assert.equal((await wire.reply()).code, 250)
  assert.match(await wire.rest(), /^421 4\.3\.2 [^\r\n]*\r\n$/)
  wire.vanish()
  await closed
  assert.equal(host.delivered.length, 1)
})

test('a server that closes lets a handshake end, and says 421 inside TLS', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wire = await stand.greeted()
  assert.equal((await wire.ask('STARTTLS')).code, 220)
  const closed = stand.server.close(60_000)
  await wire.wrap()
  assert.match(await wire.rest(), /^421 4\.3\.2 /)
  wire.vanish()
  await closed
})

test('when the time is over a server that closes says 421 in the middle of a mail', async t => {
  const host = new RecordingHost({ sink: { deliver: () => new Promise(() => {}) } })
  const stand = await Stand.set(t, host)
  const writing = await stand.greeted()
  await writing.open()
  const waiting = await stand.greeted()
  await waiting.open()
  waiting.say('x\r\n.\r\n')
  await stand.until(() => host.calls.deliver === 1, 'the delivery')
  const closed = stand.server.close(50)
  for (const wire of [writing, waiting]) {
    assert.match(await wire.rest(), /^421 4\.3\.2 /)
    wire.vanish()
  }
  await closed
})

test('a client that neither reads nor closes does not keep the server from closing', async t => {
  const stand = await Stand.set(t, new RecordingHost(), { timeouts: { lingerMs: 100 } })
  const wire = await stand.greeted()
  wire.socket.pause()
  wire.say('EHLO x\r\n'.repeat(200_000))
  await stand.until(() => stand.sockets[0]!.writableNeedDrain, 'the server to be held back')
  await stand.server.close(50)
  assert.equal(stand.server.connections, 0)
  wire.reset()
})
