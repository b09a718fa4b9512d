import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { defaultLimits, type Host, reply } from '../../src/protocol/index.ts'
import type { ConnectionEvent } from '../../src/transport/index.ts'
import { RecordingHost } from './recording-host.ts'
import { type Conditions, Stand } from './stand.ts'
import { Wire } from './wire.ts'

type Ended = Extract<ConnectionEvent, { type: 'ended' }>

/** A server, and all that it tells. */
async function watched(t: TestContext, conditions: Conditions = {}, host: Host = new RecordingHost()) {
  const events: ConnectionEvent[] = []
  const stand = await Stand.set(t, host, { ...conditions, witness: event => void events.push(event) })
  const count = (type: ConnectionEvent['type']) => events.filter(event => event.type === type).length
  const until = (type: ConnectionEvent['type'], many = 1) =>
    stand.until(() => count(type) >= many, `${many} of ${type}`)
  const ended = async () => {
    await until('ended')
    const { tls, outcome, ms } = events.find((event): event is Ended => event.type === 'ended')!
    assert.ok(ms >= 0 && ms < 60_000)
    return `${tls} ${outcome}`
  }
  const codes = () => events.flatMap(event => (event.type === 'replied' ? event.code : []))
  const limits = () => events.flatMap(event => (event.type === 'replied' ? (event.limit ?? []) : []))
  return { stand, events, until, ended, codes, limits }
}

test('a session is told from its opening to its QUIT, with every reply', async t => {
  const { stand, events, ended, codes } = await watched(t)
  const wire = await stand.greeted()
  await wire.mail('x\r\n')
  await wire.ask('nonsense')
  await wire.ask('QUIT')
  wire.vanish()
  assert.equal(await ended(), 'none quit')
  assert.deepEqual(codes(), [220, 250, 250, 250, 354, 250, 500, 221])
  assert.deepEqual(events[0], { type: 'opened', address: '127.0.0.1' })
  assert.equal(events.at(-1)!.type, 'ended')
  const [, , hello] = events
  assert.ok(hello?.type === 'replied')
  assert.match(hello.text, /^250-relay\.test greets client\.test\r\n(250-.*\r\n)+250 HELP\r\n$/)
})

test('replies of a burst are told one by one', async t => {
  const { stand, codes, until } = await watched(t)
  const wire = await stand.greeted()
  wire.say('NOOP\r\nVRFY\r\nNOOP\r\nMAIL FROM:<a@example.org>\r\n')
  await until('replied', 6)
  assert.deepEqual(codes().slice(2), [250, 501, 250, 250])
  wire.vanish()
})

test('a client that closes or breaks its connection has hung up', async t => {
  for (const leave of ['vanish', 'reset', 'finish'] as const) {
    const { stand, ended } = await watched(t)
    const wire = await stand.greeted()
    await wire.open()
    wire[leave]()
    assert.equal(await ended(), 'none hangup')
  }
})

test('TLS is told with its version and cipher, however it began', async t => {
  for (const [implicit, name] of [
    [false, 'starttls'],
    [true, 'implicit'],
  ] as const) {
    const { stand, events, ended } = await watched(t)
    const wire = await Wire.connect(implicit ? stand.tlsPort : stand.port, { tls: implicit })
    await wire.greet()
    if (!implicit) await wire.startTls()
    await wire.ask('QUIT')
    wire.vanish()
    assert.equal(await ended(), `${name} quit`)
    assert.deepEqual(
      events.filter(event => event.type === 'secured'),
      [{ type: 'secured', address: '127.0.0.1', protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' }],
    )
  }
})

test('a handshake that breaks the rules is the fault of its client', async t => {
  const { stand, ended } = await watched(t)
  const wire = await Wire.connect(stand.tlsPort)
  wire.say('EHLO client.test\r\n')
  assert.equal(await ended(), 'implicit errors')
})

test('a client that is silent or slow ends with a timeout, in every stage', async t => {
  const timeouts = { idleMs: 50, messageMs: 50, handshakeMs: 50 }
  for (const stage of ['greeting', 'message', 'handshake'] as const) {
    const { stand, ended } = await watched(t, {
      timeouts: { ...timeouts, ...(stage === 'message' && { idleMs: 60_000 }) },
    })
    const wire = await Wire.connect(stage === 'handshake' ? stand.tlsPort : stand.port)
    if (stage === 'message') {
      await wire.greet()
      await wire.open()
    }
    await wire.rest()
    wire.vanish()
    assert.equal(await ended(), `${stage === 'handshake' ? 'implicit' : 'none'} timeout`)
  }
})

test('a client that does too much wrong is left, and told of as such', async t => {
  const limits = { ...defaultLimits, errors: 2 }
  const { stand, ended, codes } = await watched(t, { settings: { limits } })
  const wire = await stand.greeted()
  wire.say('x\r\nx\r\n')
  await wire.rest()
  wire.vanish()
  assert.equal(await ended(), 'none errors')
  assert.deepEqual(codes().slice(-2), [500, 421])
})

test('who is not welcome was refused, also where it says QUIT', async t => {
  const host = new RecordingHost({ connect: () => reply(554, '5.7.1', 'No') })
  const { stand, ended } = await watched(t, {}, host)
  const wire = await Wire.connect(stand.port)
  await wire.reply()
  await wire.ask('QUIT')
  wire.vanish()
  assert.equal(await ended(), 'none refused')
})

test('who talks too early was not refused, but did wrong', async t => {
  const { stand, ended } = await watched(t, { settings: { strictPipelining: true } })
  const wire = await Wire.connect(stand.port)
  wire.say('EHLO client.test\r\n')
  await wire.rest()
  wire.vanish()
  assert.equal(await ended(), 'none errors')
})

test('when the server ends, so do its sessions', async t => {
  for (const busy of [false, true]) {
    const { stand, ended } = await watched(t)
    const wire = await stand.greeted()
    if (busy) await wire.open()
    const closed = stand.server.close(50)
    await wire.rest()
    wire.vanish()
    assert.equal(await ended(), 'none shutdown')
    await closed
  }
})

test('the limits of the engine are told from the same codes of a host', async t => {
  const limits = { ...defaultLimits, messageBytes: 1000, recipients: 1 }
  const deliver = () => reply(552, '5.3.4', 'Message is too long')
  const recipient: Host['recipient'] = ({ address }) =>
    address.startsWith('full') ? reply(452, '4.5.3', 'Too many recipients in one message') : undefined
  const host = new RecordingHost({ recipient, sink: { deliver } })
  const { stand, limits: told } = await watched(t, { settings: { limits } }, host)
  const wire = await stand.greeted()
  assert.equal((await wire.ask('MAIL FROM:<a@example.org> SIZE=1001')).code, 552)
  assert.deepEqual(told(), ['size'])
  await wire.ask('MAIL FROM:<a@example.org>')
  assert.equal((await wire.ask('RCPT TO:<full@example.org>')).code, 452)
  await wire.ask('RCPT TO:<b@example.org>')
  assert.equal((await wire.ask('RCPT TO:<c@example.org>')).code, 452)
  await wire.ask('RSET')
  assert.equal((await wire.mail('x\r\n')).code, 552)
  assert.equal((await wire.mail(`${'x'.repeat(998)}\r\n\r\n`)).code, 552)
  assert.deepEqual(told(), ['size', 'recipients', 'size'])
  wire.vanish()
})

test('connections that are not served are told with the reason', async t => {
  const { stand, events, codes } = await watched(t, { connectionLimits: { total: 2, perAddress: 1 } })
  const wires = [await Wire.connect(stand.port), await Wire.connect(stand.port)]
  for (const wire of wires) await wire.reply()
  const other = await Wire.connect(stand.port, { from: '127.0.0.2' })
  await other.reply()
  wires.push(other, await Wire.connect(stand.port, { from: '127.0.0.3' }))
  await wires.at(-1)!.reply()
  const reasons = events.flatMap(event => (event.type === 'turnedAway' ? [event.address, event.reason] : []))
  assert.deepEqual(reasons, ['127.0.0.1', 'address', '127.0.0.3', 'total'])
  assert.deepEqual(codes(), [220, 421, 220, 421])
  for (const wire of wires) wire.vanish()
})

test('a load balancer without a valid header is turned away', async t => {
  const { stand, events, until } = await watched(t, { proxy: '127.0.0.1' })
  const wire = await Wire.connect(stand.port)
  wire.say('EHLO client.test\r\n')
  await until('turnedAway')
  assert.deepEqual(events, [{ type: 'turnedAway', address: '127.0.0.1', reason: 'proxyHeader' }])
  wire.vanish()
})

test('what clients have sent is counted, of those that are gone too, and only ever grows', async t => {
  const { stand, until } = await watched(t)
  assert.equal(stand.server.receivedBytes, 0)
  const wire = await stand.greeted()
  assert.equal(stand.server.receivedBytes, 'EHLO client.test\r\n'.length)
  const secure = await stand.greeted(true)
  assert.equal(stand.server.receivedBytes, 2 * 'EHLO client.test\r\n'.length)
  wire.vanish()
  secure.vanish()
  await until('ended', 2)
  assert.equal(stand.server.receivedBytes, 2 * 'EHLO client.test\r\n'.length)
})

test('a witness that throws changes nothing', async t => {
  const broken = () => {
    throw new Error('broken')
  }
  const host = new RecordingHost()
  const stand = await Stand.set(t, host, { witness: broken })
  const wire = await stand.greeted()
  await wire.startTls()
  await wire.ask('EHLO client.test')
  assert.equal((await wire.mail('x\r\n')).code, 250)
  assert.equal((await wire.ask('QUIT')).code, 221)
  wire.vanish()
  await stand.emptied()
  assert.deepEqual([host.delivered.length, stand.faults], [1, []])
})
