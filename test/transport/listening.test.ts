import assert from 'node:assert/strict'
import { test } from 'node:test'
import { within } from '../support/deadline.ts'
import { RecordingHost } from '../support/recording-host.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { Stand } from './stand.ts'

test('one server listens on several addresses, each with or without implicit TLS', async t => {
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

test('listening on an address in use rejects, and the server goes on', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const again = stand.server.listen({ host: '127.0.0.1', port: stand.port, implicitTls: false })
  await assert.rejects(again, { code: 'EADDRINUSE' })
  await stand.greeted()
  assert.deepEqual(stand.errors, [])
})

test('a server that is closed while it starts to listen stops, and cannot listen again', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const begun = stand.server.listen({ host: '127.0.0.1', port: 0 })
  await within(stand.server.close(0), 'the server to close')
  const { port } = await begun
  await assert.rejects(SmtpClient.connect(port), { code: 'ECONNREFUSED' })
  const again = stand.server.listen({ host: '127.0.0.1', port: 0 })
  await assert.rejects(again, { message: 'the server is closed' })
})
