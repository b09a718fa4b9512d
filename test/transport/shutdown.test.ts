import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { defaultLimits, defaultSettings } from '../../src/protocol/index.ts'
import { defaultTimeouts, type SecureContext, Server } from '../../src/transport/index.ts'
import { missing, use } from '../clients/tool.ts'
import { within } from '../program/deadline.ts'
import { Later, RecordingHost } from './recording-host.ts'
import { Stand } from './stand.ts'
import { Wire } from './wire.ts'

test('a client that has disconnected does not delay the shutdown', async t => {
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

test('a second shutdown is the same shutdown', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  await stand.greeted()
  await within(Promise.all([stand.server.close(1000), stand.server.close(1000)]), 'the server to close')
})

test('an idle client gets 421 at once, also in the middle of AUTH', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wire = await stand.greeted()
  await wire.ask('AUTH PLAIN')
  const closed = stand.server.close(60_000)
  assert.equal((await wire.reply()).code, 421)
  await within(closed, 'the server to close')
})

test('a server that shuts down does not wait for an implicit TLS handshake', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const silent = await Wire.connect(stand.tlsPort)
  const half = await Wire.connect(stand.tlsPort)
  half.say(Buffer.from('1603010200', 'hex'))
  await stand.until(() => stand.server.connections === 2, 'both')
  const closed = stand.server.close(60_000)
  // No plaintext: the clients wait for TLS.
  assert.deepEqual([await silent.rest(), await half.rest()], ['', ''])
  await within(closed, 'the server to close')
})

test('a handshake after STARTTLS that never comes is closed without a reply after the grace period', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wire = await stand.greeted()
  assert.equal((await wire.ask('STARTTLS')).code, 220)
  const closed = stand.server.close(50)
  assert.equal(await wire.rest(), '')
  await within(closed, 'the server to close')
})

test('a login that is being checked is answered before 421', async t => {
  const login = new Later<undefined>()
  const stand = await Stand.set(t, new RecordingHost({ login: () => login.promise }))
  const wire = await stand.greeted()
  await wire.put('AUTH PLAIN AHRpbQBzZWNyZXQ=\r\nMAIL FROM:<a@example.org>\r\n')
  const idle = await stand.greeted()
  const closed = stand.server.close(60_000)
  assert.match(await idle.rest(), /^421 /)
  idle.vanish()
  login.resolve(undefined)
  assert.equal((await wire.reply()).code, 235)
  assert.match(await wire.rest(), /^421 4\.3\.2 [^\r\n]*\r\n$/)
  wire.vanish()
  await within(closed, 'the server to close')
})

test('a server that shuts down waits for the last chunk of a message', async t => {
  const host = new RecordingHost()
  const stand = await Stand.set(t, host)
  const wire = await stand.greeted()
  for (const line of ['MAIL FROM:<a@example.org>', 'RCPT TO:<b@example.org>', 'BDAT 3\r\nx'])
    assert.equal((await wire.ask(line)).code, 250)
  const closed = stand.server.close(60_000)
  wire.say('BDAT 3 LAST\r\ny\r\n')
  assert.match(await wire.rest(), /^250 2\.0\.0 Ok\r\n421 4\.3\.2 [^\r\n]*\r\n$/)
  wire.vanish()
  await within(closed, 'the server to close')
  assert.deepEqual(host.delivered.map(String), ['x\r\ny\r\n'])
})

test('a message whose client is gone is delivered before the shutdown is complete', async t => {
  const delivery = new Later<undefined>()
  const host = new RecordingHost({ sink: { deliver: () => delivery.promise } })
  const stand = await Stand.set(t, host)
  const gone = await stand.greeted()
  await gone.open()
  await gone.put('x\r\n.\r\n')
  await stand.until(() => host.calls.deliver === 1, 'the delivery')
  gone.reset()
  await stand.until(() => stand.closed.size === 1, 'the server to notice')
  let over = false
  const closed = stand.server.close(60_000).then(() => {
    over = true
  })
  const late = await Wire.connect(stand.port).catch((error: NodeJS.ErrnoException) => error.code)
  assert.equal(late, 'ECONNREFUSED')
  assert.deepEqual([over, stand.server.connections], [false, 1])
  delivery.resolve(undefined)
  await within(closed, 'the server to close')
})

test('a client that has closed its half gets the reply to its message during the shutdown', async t => {
  const delivery = new Later<undefined>()
  const host = new RecordingHost({ sink: { deliver: () => delivery.promise } })
  const stand = await Stand.set(t, host)
  const wire = await stand.greeted()
  await wire.open()
  await wire.put('x\r\n.\r\n')
  wire.finish()
  await stand.until(() => host.calls.deliver === 1, 'the delivery')
  const closed = stand.server.close(60_000)
  delivery.resolve(undefined)
  assert.match(await wire.rest(), /^250 2\.0\.0 Ok\r\n421 4\.3\.2 [^\r\n]*\r\n$/)
  await within(closed, 'the server to close')
})

test('the message timeout goes on while a message is refused', async t => {
  for (const refused of ['a lone LF\n', 'too large'.repeat(30)]) {
    const stand = await Stand.set(t, new RecordingHost(), {
      timeouts: { messageMs: 100 },
      settings: {
        bareNewline: 'reject',
        limits: { ...defaultLimits, messageBytes: 200, discardFactor: 1000 },
      },
    })
    const wire = await stand.greeted()
    await wire.open()
    await wire.put(refused)
    assert.match(await wire.rest(), /^421 4\.4\.2 /)
    await stand.emptied()
  }
})

test('a client that is silent after a write of the host timed out is disconnected', async t => {
  const host = new RecordingHost({ sink: { write: () => new Later<undefined>().promise } })
  const stand = await Stand.set(t, host, { timeouts: { idleMs: 50, hostMs: 120 } })
  const wire = await stand.greeted()
  await wire.open()
  await wire.put('x')
  assert.match(await wire.rest(), /^421 4\.4\.2 /)
  await stand.emptied()
})

test('an invalid TLS record closes the connection and discards the message', async t => {
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
  await wire.put('half a message')
  await stand.until(() => host.calls.write === 1, 'the content')
  // An application record that is not encrypted.
  tcp.write(Buffer.from('17030300050102030405', 'hex'))
  await stand.emptied()
  assert.deepEqual(host.calls, { write: 1, deliver: 0, discard: 1 })
})

const noContexts: Record<string, () => SecureContext> = {
  'that cannot be had': () => {
    throw new Error('the certificate is gone')
  },
  'that is none': () => ({ cert: 'x', key: 'y' }) as never,
}
for (const [kind, secureContext] of Object.entries(noContexts)) {
  test(`a certificate ${kind} closes one connection, and not the server`, async t => {
    const errors: unknown[] = []
    const good = await Stand.set(t, new RecordingHost())
    const server = new Server({
      settings: { ...defaultSettings, hostname: 'relay.test', service: 'Relay', tls: 'offered' },
      host: new RecordingHost(),
      timeouts: defaultTimeouts,
      secureContext,
      onError: error => void errors.push(error),
    })
    t.after(() => server.close(0))
    const clear = await server.listen({ host: '127.0.0.1', port: 0, implicitTls: false })
    const implicit = await server.listen({ host: '127.0.0.1', port: 0, implicitTls: true })
    const wire = await Wire.connect(clear.port)
    await wire.greet()
    assert.equal((await wire.ask('STARTTLS')).code, 220)
    const immediate = await Wire.connect(implicit.port)
    for (const client of [wire, immediate]) {
      client.say('the first bytes of a handshake')
      await client.rest()
    }
    await good.until(() => server.connections === 0, 'the end of all connections')
    assert.equal(errors.length, 2)
  })
}

for (const tls of [false, true])
  test(`a client that never closes its half after QUIT is disconnected, ${tls ? 'TLS' : 'clear'}`, async t => {
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

test('a shutdown without grace period does not wait for a host that is taking the last content', async t => {
  const host = new RecordingHost({ sink: { write: () => new Promise<void>(() => {}) } })
  const stand = await Stand.set(t, host)
  const wire = await stand.greeted()
  // A bare LF makes the first piece a copy, and the CR at the end is a second piece.
  wire.say('MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nBDAT 3 LAST\r\n\nx\r')
  await stand.until(() => host.calls.write === 1, 'the content')
  const closed = stand.server.close(0)
  assert.match(await wire.rest(), /421 4\.3\.2 relay\.test is shutting down[^\r\n]*\r\n$/)
  await closed
  assert.deepEqual(host.calls, { write: 1, deliver: 0, discard: 1 })
})

test('a server that shuts down closes idle clients with 421, and is done when they are gone', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wires = [await stand.greeted(), await stand.greeted(true), await Wire.connect(stand.port)]
  await wires[2]!.reply()
  const closed = stand.server.close(60_000)
  for (const wire of wires) {
    assert.match(await wire.rest(), /^421 4\.3\.2 /)
    wire.vanish()
  }
  await closed
  await assert.rejects(Wire.connect(stand.port), { code: 'ECONNREFUSED' })
})

test('a server that shuts down waits for the current message, and for no second one', async t => {
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

test('a server that shuts down waits for a handshake, and sends 421 under TLS', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wire = await stand.greeted()
  assert.equal((await wire.ask('STARTTLS')).code, 220)
  const closed = stand.server.close(60_000)
  await wire.wrap()
  assert.match(await wire.rest(), /^421 4\.3\.2 /)
  wire.vanish()
  await closed
})

test('after the grace period, a server that shuts down sends 421 in the middle of a message', async t => {
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

test('a client that neither reads nor closes does not stop the shutdown', async t => {
  const stand = await Stand.set(t, new RecordingHost(), { timeouts: { lingerMs: 100 } })
  const wire = await stand.greeted()
  wire.socket.pause()
  wire.say('EHLO x\r\n'.repeat(200_000))
  await stand.until(() => stand.sockets[0]!.writableNeedDrain, 'the server to be held back')
  await stand.server.close(50)
  assert.equal(stand.server.connections, 0)
  wire.reset()
})
