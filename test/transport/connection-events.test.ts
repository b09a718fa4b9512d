import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { defaultLimits, type Host, reply } from '../../src/protocol/index.ts'
import type { ConnectionEvent } from '../../src/transport/index.ts'
import { RecordingHost } from '../support/recording-host.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { type Conditions, Stand } from './stand.ts'

type Closed = Extract<ConnectionEvent, { type: 'closed' }>

/** A server and its events. */
async function watched(t: TestContext, conditions: Conditions = {}, host: Host = new RecordingHost()) {
  const events: ConnectionEvent[] = []
  const stand = await Stand.set(t, host, { ...conditions, onEvent: event => void events.push(event) })
  const count = (type: ConnectionEvent['type']) => events.filter(event => event.type === type).length
  const until = (type: ConnectionEvent['type'], many = 1) =>
    stand.until(() => count(type) >= many, `${many} of ${type}`)
  const closed = async () => {
    await until('closed')
    const all = events.filter((event): event is Closed => event.type === 'closed')
    assert.equal(all.length, 1)
    const { tls, reason, durationMs } = all[0]!
    assert.ok(durationMs >= 0 && durationMs < 60_000)
    return `${tls} ${reason}`
  }
  const codes = () => events.flatMap(event => (event.type === 'reply' ? event.code : []))
  const ids = () => events.flatMap(event => (event.type === 'reply' ? [event.id] : []))
  return { stand, events, until, closed, codes, ids }
}

test('events report a session from its opening to its QUIT, with every reply', async t => {
  const { stand, events, closed, codes, ids } = await watched(t)
  const wire = await stand.greeted()
  await wire.mail('x\r\n')
  await wire.ask('nonsense')
  await wire.ask('QUIT')
  wire.vanish()
  assert.equal(await closed(), 'none quit')
  assert.deepEqual(codes(), [220, 250, 250, 250, 354, 250, 500, 221])
  assert.deepEqual(ids(), [
    ...['greeting', 'extensions', 'senderOk', 'recipientOk', 'startInput', 'delivered', 'unknownCommand'],
    'goodbye',
  ])
  assert.deepEqual(events[0], { type: 'opened', address: '127.0.0.1' })
  assert.equal(events.at(-1)!.type, 'closed')
  const [, , hello] = events
  assert.ok(hello?.type === 'reply')
  assert.match(hello.text, /^250-relay\.test greets client\.test\r\n(250-.*\r\n)+250 HELP\r\n$/)
})

test('replies sent together are reported one by one', async t => {
  const { stand, codes, until } = await watched(t)
  const wire = await stand.greeted()
  wire.say('NOOP\r\nVRFY\r\nNOOP\r\nMAIL FROM:<a@example.org>\r\n')
  await until('reply', 6)
  assert.deepEqual(codes().slice(2), [250, 501, 250, 250])
  wire.vanish()
})

test('a client that closes or resets its connection is a disconnect', async t => {
  for (const leave of ['vanish', 'reset', 'finish'] as const) {
    const { stand, closed } = await watched(t)
    const wire = await stand.greeted()
    await wire.open()
    wire[leave]()
    assert.equal(await closed(), 'none disconnect')
  }
})

test('TLS is reported with its version and cipher, with STARTTLS and with implicit TLS', async t => {
  for (const [implicit, name] of [
    [false, 'starttls'],
    [true, 'implicit'],
  ] as const) {
    const { stand, events, closed } = await watched(t)
    const wire = await SmtpClient.connect(implicit ? stand.tlsPort : stand.port, { tls: implicit })
    await wire.greet()
    if (!implicit) await wire.startTls()
    await wire.ask('QUIT')
    wire.vanish()
    assert.equal(await closed(), `${name} quit`)
    assert.deepEqual(
      events.filter(event => event.type === 'tls'),
      [{ type: 'tls', address: '127.0.0.1', protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' }],
    )
  }
})

test('an invalid handshake is an error of the client', async t => {
  const { stand, closed } = await watched(t)
  const wire = await SmtpClient.connect(stand.tlsPort)
  wire.say('EHLO client.test\r\n')
  assert.equal(await closed(), 'implicit errors')
})

test('a client that is silent or slow is a timeout, in every state', async t => {
  const timeouts = { idleMs: 50, messageMs: 50, handshakeMs: 50 }
  for (const stage of ['greeting', 'message', 'handshake'] as const) {
    const { stand, closed } = await watched(t, {
      timeouts: { ...timeouts, ...(stage === 'message' && { idleMs: 60_000 }) },
    })
    const wire = await SmtpClient.connect(stage === 'handshake' ? stand.tlsPort : stand.port)
    if (stage === 'message') {
      await wire.greet()
      await wire.open()
    }
    await wire.rest()
    wire.vanish()
    assert.equal(await closed(), `${stage === 'handshake' ? 'implicit' : 'none'} timeout`)
  }
})

test('a client that makes too many errors is disconnected, with that reason', async t => {
  const limits = { ...defaultLimits, hardErrorLimit: 2 }
  const { stand, closed, codes } = await watched(t, { settings: { limits } })
  const wire = await stand.greeted()
  wire.say('x\r\nx\r\n')
  await wire.rest()
  wire.vanish()
  assert.equal(await closed(), 'none errors')
  assert.deepEqual(codes().slice(-2), [500, 421])
})

test('a client that the host refuses is reported as refused, even if it sends QUIT', async t => {
  const host = new RecordingHost({ connect: () => reply(554, '5.7.1', 'No') })
  const { stand, closed } = await watched(t, {}, host)
  const wire = await SmtpClient.connect(stand.port)
  await wire.reply()
  await wire.ask('QUIT')
  wire.vanish()
  assert.equal(await closed(), 'none refused')
})

test('a client that sends data too early is reported as an error', async t => {
  const { stand, closed } = await watched(t, { settings: { strictPipelining: true } })
  const wire = await SmtpClient.connect(stand.port)
  wire.say('EHLO client.test\r\n')
  await wire.rest()
  wire.vanish()
  assert.equal(await closed(), 'none errors')
})

test('sessions that end at shutdown are reported as such', async t => {
  for (const busy of [false, true]) {
    const { stand, closed } = await watched(t)
    const wire = await stand.greeted()
    if (busy) await wire.open()
    const stopped = stand.server.close(50)
    await wire.rest()
    wire.vanish()
    assert.equal(await closed(), 'none shutdown')
    await stopped
  }
})

test('replies for limits of the engine are distinguished from the same codes of a host', async t => {
  const limits = { ...defaultLimits, messageBytes: 1000, recipients: 1 }
  const deliver = () => reply(552, '5.3.4', 'Message is too long')
  const recipient: Host['recipient'] = ({ address }) =>
    address.startsWith('full') ? reply(452, '4.5.3', 'Too many recipients in one mail') : undefined
  const host = new RecordingHost({ recipient, sink: { deliver } })
  const { stand, ids } = await watched(t, { settings: { limits } }, host)
  const wire = await stand.greeted()
  assert.equal((await wire.ask('MAIL FROM:<a@example.org> SIZE=1001')).code, 552)
  const exceeded = () => ids().filter(id => id === 'tooLarge' || id === 'tooManyRecipients')
  assert.deepEqual(exceeded(), ['tooLarge'])
  await wire.ask('MAIL FROM:<a@example.org>')
  assert.equal((await wire.ask('RCPT TO:<full@example.org>')).code, 452)
  await wire.ask('RCPT TO:<b@example.org>')
  assert.equal((await wire.ask('RCPT TO:<c@example.org>')).code, 452)
  await wire.ask('RSET')
  assert.equal((await wire.mail('x\r\n')).code, 552)
  assert.equal((await wire.mail(`${'x'.repeat(998)}\r\n\r\n`)).code, 552)
  assert.deepEqual(exceeded(), ['tooLarge', 'tooManyRecipients', 'tooLarge'])
  assert.equal(ids().filter(id => id === undefined).length, 2)
  wire.vanish()
})

test('rejected connections are reported with the reason', async t => {
  const { stand, events, codes } = await watched(t, { connectionLimits: { total: 2, perAddress: 1 } })
  const wires = [await SmtpClient.connect(stand.port), await SmtpClient.connect(stand.port)]
  for (const wire of wires) await wire.reply()
  const other = await SmtpClient.connect(stand.port, { from: '127.0.0.2' })
  await other.reply()
  wires.push(other, await SmtpClient.connect(stand.port, { from: '127.0.0.3' }))
  await wires.at(-1)!.reply()
  const reasons = events.flatMap(event => (event.type === 'rejected' ? [event.address, event.reason] : []))
  assert.deepEqual(reasons, ['127.0.0.1', 'perIpLimit', '127.0.0.3', 'connectionLimit'])
  assert.deepEqual(codes(), [220, 421, 220, 421])
  for (const wire of wires) wire.vanish()
})

test('a load balancer without a valid header is reported as rejected', async t => {
  const { stand, events, until } = await watched(t, { proxy: '127.0.0.1' })
  const wire = await SmtpClient.connect(stand.port)
  wire.say('EHLO client.test\r\n')
  await until('rejected')
  assert.deepEqual(events, [{ type: 'rejected', address: '127.0.0.1', reason: 'proxyHeader' }])
  wire.vanish()
})

test('received bytes are counted, including those of closed connections, and never decrease', async t => {
  const { stand, until } = await watched(t)
  assert.equal(stand.server.receivedBytes, 0)
  const wire = await stand.greeted()
  assert.equal(stand.server.receivedBytes, 'EHLO client.test\r\n'.length)
  const secure = await stand.greeted(true)
  assert.equal(stand.server.receivedBytes, 2 * 'EHLO client.test\r\n'.length)
  wire.vanish()
  secure.vanish()
  await until('closed', 2)
  assert.equal(stand.server.receivedBytes, 2 * 'EHLO client.test\r\n'.length)
})

test('an event handler that throws changes nothing', async t => {
  const broken = () => {
    throw new Error('broken')
  }
  const host = new RecordingHost()
  const stand = await Stand.set(t, host, { onEvent: broken })
  const wire = await stand.greeted()
  await wire.startTls()
  await wire.ask('EHLO client.test')
  assert.equal((await wire.mail('x\r\n')).code, 250)
  assert.equal((await wire.ask('QUIT')).code, 221)
  wire.vanish()
  await stand.emptied()
  assert.deepEqual([host.delivered.length, stand.errors], [1, []])
})

test('a session that the host ends with 421 is not an error of the client', async t => {
  const host = new RecordingHost({ sender: () => reply(421, '4.3.2', 'Too busy') })
  const { stand, closed } = await watched(t, {}, host)
  const wire = await stand.greeted()
  assert.equal((await wire.ask('MAIL FROM:<a@example.org>')).code, 421)
  wire.vanish()
  assert.equal(await closed(), 'none host')
})
