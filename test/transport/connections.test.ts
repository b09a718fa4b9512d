import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordingHost } from './recording-host.ts'
import { Stand } from './stand.ts'
import { expectCode, Wire } from './wire.ts'

test('beyond the limit a client hears 421, and one that leaves makes room', async t => {
  const stand = await Stand.set(t, new RecordingHost(), { connectionLimits: { total: 2 } })
  const first = await stand.greeted()
  const second = await stand.greeted()
  const third = await Wire.connect(stand.port)
  assert.match(await third.rest(), /^421 4\.3\.2 relay\.test has too many connections/)
  assert.equal(stand.server.connections, 2)
  expectCode(await first.ask('QUIT'), 221)
  first.finish()
  await stand.until(() => stand.server.connections === 1, 'room for one more')
  await stand.greeted()
  expectCode(await second.ask('NOOP'), 250)
})

test('one address cannot take the room of the others', async t => {
  const stand = await Stand.set(t, new RecordingHost(), { connectionLimits: { total: 10, perAddress: 1 } })
  const first = await stand.greeted()
  assert.match(
    await (await Wire.connect(stand.port)).rest(),
    /^421 4\.7\.0 relay\.test has too many connections/,
  )
  const other = await Wire.connect(stand.port, { from: '127.0.0.2' })
  await other.greet()
  first.reset()
  await stand.until(() => stand.server.connections === 1, 'room for one more')
  await stand.greeted()
})

test('a client without room that waits for TLS is closed without a word', async t => {
  const stand = await Stand.set(t, new RecordingHost(), { connectionLimits: { total: 0 } })
  const wire = await Wire.connect(stand.tlsPort)
  assert.equal(await wire.rest(), '')
})
