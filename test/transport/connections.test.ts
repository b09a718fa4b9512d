import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxLingering } from '../../src/transport/index.ts'
import { RecordingHost } from '../support/recording-host.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'
import { Stand } from './stand.ts'

test('beyond the limit a client gets 421, and one that disconnects makes room', async t => {
  const stand = await Stand.set(t, new RecordingHost(), { connectionLimits: { total: 2 } })
  const first = await stand.greeted()
  const second = await stand.greeted()
  const third = await SmtpClient.connect(stand.port)
  assert.match(await third.rest(), /^421 4\.3\.2 relay\.test has too many connections/)
  assert.equal(stand.server.connections, 2)
  expectCode(await first.ask('QUIT'), 221)
  first.finish()
  await stand.until(() => stand.server.connections === 1, 'room for one more')
  await stand.greeted()
  expectCode(await second.ask('NOOP'), 250)
})

test('only a few rejected connections stay open, and all get 421', async t => {
  const stand = await Stand.set(t, new RecordingHost(), {
    connectionLimits: { total: 0 },
    timeouts: { lingerMs: 60_000 },
  })
  const wires = await Promise.all(Array.from({ length: 60 }, () => SmtpClient.connect(stand.port)))
  t.after(() => {
    for (const wire of wires) wire.reset()
  })
  // None of them closes its half.
  for (const wire of wires) assert.match(await wire.rest(), /^421 4\.3\.2 /)
  // Writing shows it: a connection that the server has closed is reset, one that it holds open accepts bytes.
  const held = () => wires.filter(wire => !wire.socket.destroyed)
  const isOver = () => {
    for (const wire of held()) wire.say('\r\n')
    return held().length === maxLingering
  }
  await stand.until(isOver, 'the end of the others')
  for (const wire of wires) wire.reset()
  await stand.until(() => stand.closed.size === maxLingering, 'the end of all of them')
  // Connections that are closed make room for another one.
  const again = await SmtpClient.connect(stand.port)
  assert.match(await again.rest(), /^421 4\.3\.2 /)
  // It is also held open: a socket that is closed as soon as it is accepted is not listed here.
  assert.equal(stand.sockets.length, maxLingering + 1)
  again.reset()
})

test('one address cannot take the connections of the others', async t => {
  const stand = await Stand.set(t, new RecordingHost(), {
    connectionLimits: { total: 10, perAddress: 1 },
  })
  const first = await stand.greeted()
  assert.match(
    await (await SmtpClient.connect(stand.port)).rest(),
    /^421 4\.7\.0 relay\.test has too many connections/,
  )
  const other = await SmtpClient.connect(stand.port, { from: '127.0.0.2' })
  await other.greet()
  first.reset()
  await stand.until(() => stand.server.connections === 1, 'room for one more')
  await stand.greeted()
})

test('a client beyond the limit on an implicit TLS port is closed without a reply', async t => {
  const stand = await Stand.set(t, new RecordingHost(), { connectionLimits: { total: 0 } })
  const wire = await SmtpClient.connect(stand.tlsPort)
  assert.equal(await wire.rest(), '')
})
