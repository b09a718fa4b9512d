import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Later, RecordingHost } from '../support/recording-host.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'
import { Stand } from './stand.ts'

// If the connection limit is reached, or connections take too much memory, idle and unknown ones are closed first; a
// message that was received is never lost by that.

const overloaded = /421 4\.3\.2 relay\.test is overloaded, closing connection, try again later\r\n$/

test('a full server closes the longest idle connection for a new one', async t => {
  const stand = await Stand.set(t, new RecordingHost(), {
    connectionLimits: { total: 2 },
    timeouts: { fullIdleMs: 0 },
  })
  const first = await stand.greeted()
  const second = await stand.greeted()
  expectCode(await first.ask('NOOP'), 250)
  const third = await stand.greeted()
  assert.match(await second.rest(), overloaded)
  expectCode(await first.ask('NOOP'), 250)
  expectCode(await third.mail('x\r\n'), 250)
  await stand.until(() => stand.server.connections === 2, 'the end of the second one')
  assert.deepEqual(stand.overloads, [1])
})

test('a full server does not close a connection that was just active', async t => {
  const stand = await Stand.set(t, new RecordingHost(), {
    connectionLimits: { total: 1 },
    timeouts: { fullIdleMs: 60_000 },
  })
  const first = await stand.greeted()
  const second = await SmtpClient.connect(stand.port)
  assert.match(await second.rest(), /^421 4\.3\.2 relay\.test has too many connections/)
  expectCode(await first.ask('NOOP'), 250)
  assert.deepEqual(stand.overloads, [])
})

test('a client that has delivered a message is closed after one that has not, however long it is idle', async t => {
  const stand = await Stand.set(t, new RecordingHost(), {
    connectionLimits: { total: 2 },
    timeouts: { fullIdleMs: 0 },
  })
  const known = await stand.greeted()
  expectCode(await known.mail('x\r\n'), 250)
  const unknown = await stand.greeted()
  await stand.greeted()
  assert.match(await unknown.rest(), overloaded)
  expectCode(await known.ask('NOOP'), 250)
})

test('a connection whose message is being delivered is kept, and another client gets 421', async t => {
  const later = new Later<undefined>()
  const host = new RecordingHost({ sink: { deliver: () => later.promise } })
  const stand = await Stand.set(t, host, {
    connectionLimits: { total: 1 },
    timeouts: { fullIdleMs: 0 },
  })
  const wire = await stand.greeted()
  await wire.open()
  wire.say('x\r\n.\r\n')
  await stand.until(() => host.calls.deliver === 1, 'the message')
  assert.match(
    await (await SmtpClient.connect(stand.port)).rest(),
    /^421 4\.3\.2 relay\.test has too many connections/,
  )
  later.resolve(undefined)
  expectCode(await wire.reply(), 250)
})

test('a connection whose client is gone counts only while the host delivers its message', async t => {
  const later = new Later<undefined>()
  let asked = false
  const host = new RecordingHost({
    sender({ address }) {
      if (address !== 'slow@example.org') return undefined
      asked = true
      return later.promise
    },
    sink: { deliver: () => later.promise },
  })
  const stand = await Stand.set(t, host, {
    connectionLimits: { total: 1 },
    timeouts: { fullIdleMs: 0 },
  })
  const asking = await stand.greeted()
  asking.say('MAIL FROM:<slow@example.org>\r\n')
  await stand.until(() => asked, 'the question')
  asking.reset()
  await stand.until(() => stand.closed.size === 1, 'the server to notice')
  const delivering = await stand.greeted()
  await delivering.open()
  await delivering.put('x\r\n.\r\n')
  await stand.until(() => host.calls.deliver === 1, 'the message')
  delivering.reset()
  await stand.until(() => stand.closed.size === 2, 'the server to notice')
  assert.match(
    await (await SmtpClient.connect(stand.port)).rest(),
    /^421 4\.3\.2 relay\.test has too many connections/,
  )
  later.resolve(undefined)
  await stand.until(() => stand.server.connections === 0, 'the end of the delivery')
  assert.deepEqual(stand.errors, [])
})

test('connections that wait for TLS, for a PROXY header or for the close of the client are closed for new ones, too', async t => {
  const stand = await Stand.set(t, new RecordingHost(), {
    connectionLimits: { total: 1 },
    timeouts: { fullIdleMs: 0, lingerMs: 60_000 },
    proxy: '127.0.0.9',
  })
  const handshake = await SmtpClient.connect(stand.tlsPort)
  await stand.until(() => stand.server.connections === 1, 'the first one')
  const balancer = await SmtpClient.connect(stand.port, { from: '127.0.0.9' })
  assert.equal(await handshake.rest(), '')
  await stand.until(() => stand.server.connections === 1, 'the second one')
  const lingering = await stand.greeted()
  assert.equal(await balancer.rest(), '')
  expectCode(await lingering.ask('QUIT'), 221)
  await lingering.rest()
  const last = await stand.greeted()
  expectCode(await last.mail('x\r\n'), 250)
})

test('connections that take too much memory are closed, idle and unknown ones first, until the others fit', async t => {
  let allowed = Number.POSITIVE_INFINITY
  const stand = await Stand.set(t, new RecordingHost(), { connectionBytes: () => allowed })
  const known = await stand.greeted()
  expectCode(await known.mail('x\r\n'), 250)
  const silent = await stand.greeted()
  const busy = await stand.greeted()
  await busy.open()
  // Memory for two idle connections and a little more.
  allowed = 20 * 1024
  busy.say('x')
  assert.match(await silent.rest(), overloaded)
  expectCode(await known.ask('NOOP'), 250)
  busy.say('\r\n.\r\n')
  expectCode(await busy.reply(), 250)
  allowed = 10 * 1024
  const refused = await SmtpClient.connect(stand.port)
  assert.match(await refused.rest(), overloaded)
})

test('a client that does not read its replies is closed without a reply', async t => {
  const stand = await Stand.set(t, new RecordingHost(), {
    connectionLimits: { total: 1 },
    timeouts: { fullIdleMs: 0 },
  })
  const deaf = await stand.greeted()
  deaf.socket.pause()
  deaf.say('EHLO x\r\n'.repeat(200_000))
  await stand.until(() => stand.sockets[0]!.writableNeedDrain, 'replies that are not read')
  const other = await stand.greeted()
  expectCode(await other.mail('x\r\n'), 250)
  await stand.until(() => stand.closed.has(stand.sockets[0]!), 'the end of the first one')
})

for (const tls of [false, true]) {
  test(`input that comes while the host is working is read up to a few KiB, ${tls ? 'inside TLS' : 'in the clear'}`, async t => {
    const later = new Later<undefined>()
    const host = new RecordingHost({ sink: { deliver: () => later.promise } })
    const stand = await Stand.set(t, host)
    const wire = await stand.greeted(tls)
    await wire.open()
    wire.say(`x\r\n.\r\n${'NOOP\r\n'.repeat(100_000)}`)
    await stand.until(() => host.calls.deliver === 1, 'the message')
    const [socket] = stand.sockets
    const other = await stand.greeted()
    for (let times = 0; times < 20; times++) expectCode(await other.ask('NOOP'), 250)
    const read = socket!.bytesRead
    assert.ok(read < (tls ? 48 : 24) * 1024, `${read} bytes were read`)
    later.resolve(undefined)
    expectCode(await wire.reply(), 250)
    for (let times = 0; times < 100_000; times++) expectCode(await wire.reply(), 250)
  })
}

test('a client that has not read its replies is closed at once for a new one, and uses no file descriptor after that', async t => {
  const stand = await Stand.set(t, new RecordingHost(), {
    connectionLimits: { total: 1 },
    timeouts: { fullIdleMs: 0, lingerMs: 60_000 },
  })
  const deaf = await stand.greeted()
  deaf.socket.pause()
  // The kernel accepts no more, but the socket buffers less than what pauses the session.
  const [socket] = stand.sockets
  while (socket!.writableLength === 0) socket!.write('250 Ok\r\n'.repeat(200))
  assert.equal(socket!.writableNeedDrain, false)
  await stand.greeted()
  await stand.until(() => stand.server.connections === 1, 'the end of the first one', 2000)
})
