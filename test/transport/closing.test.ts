import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { defaultLimits } from '../../src/protocol/index.ts'
import { defaultTimeouts, Server } from '../../src/transport/index.ts'
import { missing, use } from '../clients/tool.ts'
import { within } from '../program/deadline.ts'
import { Later, RecordingHost } from './recording-host.ts'
import { Stand } from './stand.ts'
import { Wire } from './wire.ts'

test('a client that was gone before the time was over does not keep the server from closing', async t => {
  const host = new RecordingHost({ sink: { deliver: () => new Later<undefined>().promise } })
  const stand = await Stand.set(t, host)
  const wire = await stand.greeted()
  await wire.open()
  await wire.put('x\r\n.\r\n')
  await stand.until(() => host.calls.deliver === 1, 'the delivery')
  wire.reset()
  await stand.until(() => stand.closed.size === 1, 'the server to notice')
  await within(stand.server.close(20), 'the server to close')
  assert.equal(stand.server.connections, 0)
})

test('closing twice is closing once', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  await stand.greeted()
  await within(Promise.all([stand.server.close(1000), stand.server.close(1000)]), 'the server to close')
})

test('an idle client hears of the closing at once, also in the middle of AUTH', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wire = await stand.greeted()
  await wire.ask('AUTH PLAIN')
  const closed = stand.server.close(60_000)
  assert.equal((await wire.reply()).code, 421)
  await within(closed, 'the server to close')
})

test('the time for a mail runs on while the mail is refused', async t => {
  for (const refused of ['a lone LF\n', 'too large'.repeat(30)]) {
    const stand = await Stand.set(t, new RecordingHost(), {
      timeouts: { messageMs: 100 },
      settings: { bareNewline: 'reject', limits: { ...defaultLimits, messageBytes: 200, drainFactor: 1000 } },
    })
    const wire = await stand.greeted()
    await wire.open()
    await wire.put(refused)
    assert.match(await wire.rest(), /^421 4\.4\.2 /)
    await stand.emptied()
  }
})

test('a client that is silent after the host gave up on a write is not waited for', async t => {
  const host = new RecordingHost({ sink: { write: () => new Later<undefined>().promise } })
  const stand = await Stand.set(t, host, { timeouts: { idleMs: 50, answerMs: 120 } })
  const wire = await stand.greeted()
  await wire.open()
  await wire.put('x')
  assert.match(await wire.rest(), /^421 4\.4\.2 /)
  await stand.emptied()
})

test('a broken TLS record ends the connection and gives the mail up', async t => {
  const host = new RecordingHost()
  const stand = await Stand.set(t, host)
  const tcp = connect({ port: stand.tlsPort, host: '127.0.0.1' })
  await within(once(tcp, 'connect'), 'a connection')
  const tls = connectTls({ socket: tcp, rejectUnauthorized: false })
  tls.on('error', () => {})
  await within(once(tls, 'secureConnect'), 'a TLS handshake')
  const wire = new Wire(tls)
  await wire.greet()
  await wire.open()
  await wire.put('half a mail')
  await stand.until(() => host.calls.write === 1, 'the content')
  // An application record that was encrypted by nobody.
  tcp.write(Buffer.from('17030300050102030405', 'hex'))
  await stand.emptied()
  assert.deepEqual(host.calls, { write: 1, deliver: 0, discard: 1 })
})

test('a certificate that cannot be had ends one connection, and not the server', async t => {
  const faults: unknown[] = []
  const good = await Stand.set(t, new RecordingHost())
  const server = new Server({
    settings: {
      hostname: 'relay.test',
      service: 'Relay',
      tls: 'offered',
      loginRequired: false,
      mechanisms: [],
      plaintextLogin: false,
      smtpUtf8: false,
      bareNewline: 'normalize',
      strictPipelining: false,
      limits: defaultLimits,
    },
    host: new RecordingHost(),
    timeouts: defaultTimeouts,
    secureContext: () => {
      throw new Error('the certificate is gone')
    },
    onFault: fault => void faults.push(fault),
  })
  t.after(() => server.close(0))
  const clear = await server.listen({ host: '127.0.0.1', port: 0, implicitTls: false })
  const implicit = await server.listen({ host: '127.0.0.1', port: 0, implicitTls: true })
  const wire = await Wire.connect(clear.port)
  await wire.greet()
  wire.say('STARTTLS\r\n')
  await wire.rest()
  await (await Wire.connect(implicit.port)).rest()
  await good.until(() => server.connections === 0, 'the end of all connections')
  assert.equal(faults.length, 2)
})

for (const tls of [false, true])
  test(`a client that never closes its half after QUIT is let go, ${tls ? 'TLS' : 'clear'}`, async t => {
    const stand = await Stand.set(t, new RecordingHost(), { timeouts: { lingerMs: 100 } })
    const wire = await stand.greeted(tls)
    assert.equal((await wire.ask('QUIT')).code, 221)
    await stand.emptied()
    assert.equal(stand.closed.size, 1)
    assert.equal(wire.socket.writableEnded, false)
  })

test('a client cannot renegotiate', { skip: missing('openssl', 'version') }, async t => {
  const stand = await Stand.set(t, new RecordingHost())
  // A line with R makes s_client ask for a new handshake.
  const to = `127.0.0.1:${stand.tlsPort}`
  const { stderr, stdout } = await use(
    'openssl',
    ['s_client', '-connect', to, '-tls1_2', '-crlf'],
    'R\nNOOP\n',
  )
  assert.match(stderr + stdout, /no renegotiation/)
  await stand.emptied()
})
