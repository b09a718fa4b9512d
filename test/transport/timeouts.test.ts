import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageSink, Reply } from '../../src/protocol/index.ts'
import { Later, RecordingHost } from '../support/recording-host.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { Stand } from './stand.ts'

const tooLong = '421 4.4.2 relay.test timeout exceeded, closing connection\r\n'

test('a silent client gets 421 4.4.2', async t => {
  const stand = await Stand.set(t, new RecordingHost(), { timeouts: { idleMs: 100 } })
  const silent = await SmtpClient.connect(stand.port)
  await silent.reply()
  assert.equal(await silent.rest(), tooLong)

  const half = await stand.greeted()
  half.say('MAIL FR')
  assert.equal(await half.rest(), tooLong)

  const secure = await stand.greeted(true)
  assert.equal(await secure.rest(), tooLong)
  await stand.emptied()
})

test('a timeout in the middle of a message discards it', async t => {
  const host = new RecordingHost()
  const stand = await Stand.set(t, host, { timeouts: { idleMs: 100 } })
  const wire = await stand.greeted()
  await wire.open()
  wire.say('half a message')
  assert.equal(await wire.rest(), tooLong)
  assert.deepEqual(host.calls, { write: 1, deliver: 0, discard: 1 })
})

test('a command that comes byte by byte and never ends does not reset the idle timeout', async t => {
  const stand = await Stand.set(t, new RecordingHost(), { timeouts: { idleMs: 150 } })
  const wire = await stand.greeted()
  const timer = setInterval(() => wire.say('x'), 10)
  t.after(() => clearInterval(timer))
  assert.match(await wire.rest(), /^421 4\.4\.2 /)
})

test('an active client is not timed out', async t => {
  const stand = await Stand.set(t, new RecordingHost(), { timeouts: { idleMs: 200 } })
  const wire = await stand.greeted()
  const begun = performance.now()
  let times = 0
  // As many iterations as it takes to stay for twice the idle timeout.
  while (performance.now() - begun < 400) {
    assert.equal((await wire.ask('EHLO client.test')).code, 250)
    times++
  }
  assert.ok(times > 1)
})

test('a message that comes too slowly is 421 4.4.2, however often bytes come', async t => {
  const host = new RecordingHost()
  const stand = await Stand.set(t, host, { timeouts: { idleMs: 10_000, messageMs: 200 } })
  const wire = await stand.greeted()
  await wire.open()
  while (!wire.ended) await wire.put('x').then(() => new Promise(resolve => setImmediate(resolve)))
  assert.equal(await wire.rest(), tooLong)
  assert.deepEqual([host.calls.deliver, host.calls.discard], [0, 1])
})

test('the message timeout starts again for each message', async t => {
  const host = new RecordingHost()
  const stand = await Stand.set(t, host, { timeouts: { messageMs: 300 } })
  const wire = await stand.greeted()
  const begun = performance.now()
  while (performance.now() - begun < 600) assert.equal((await wire.mail('x\r\n')).code, 250)
  assert.ok(host.delivered.length > 1)
})

test('a TLS handshake that stalls is closed without a reply', async t => {
  const stand = await Stand.set(t, new RecordingHost(), { timeouts: { handshakeMs: 100 } })
  const implicit = await SmtpClient.connect(stand.tlsPort)
  assert.equal(await implicit.rest(), '')

  const half = await SmtpClient.connect(stand.tlsPort)
  half.say(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))
  assert.equal(await half.rest(), '')

  const starttls = await stand.greeted()
  assert.equal((await starttls.ask('STARTTLS')).code, 220)
  assert.equal(await starttls.rest(), '')
  await stand.emptied()
})

test('a client that disconnects during the handshake is forgotten at once', async t => {
  const stand = await Stand.set(t, new RecordingHost(), { timeouts: { handshakeMs: 60_000 } })
  const implicit = await SmtpClient.connect(stand.tlsPort)
  implicit.vanish()
  await stand.emptied(2_000)

  const starttls = await stand.greeted()
  assert.equal((await starttls.ask('STARTTLS')).code, 220)
  starttls.vanish()
  await stand.emptied(2_000)
})

test('a host that does not answer is 451 4.4.1, and the session goes on', async t => {
  const silences = {
    sender: ['MAIL FROM:<a@example.org>'],
    recipient: ['MAIL FROM:<a@example.org>', 'RCPT TO:<b@example.org>'],
    login: ['AUTH PLAIN AHVzZXIAc2VjcmV0'],
    message: ['MAIL FROM:<a@example.org>', 'RCPT TO:<b@example.org>', 'DATA'],
  }
  for (const [question, lines] of Object.entries(silences)) {
    await t.test(question, async t => {
      let silent = true
      const host = new RecordingHost()
      const never = () => new Promise<undefined>(() => {})
      const others = question === 'message' ? host.sink : undefined
      Object.assign(host, { [question]: () => (silent ? never() : others) })
      const stand = await Stand.set(t, host, { timeouts: { hostMs: 100 } })
      const wire = await stand.greeted()
      const last = lines.at(-1)!
      for (const line of lines.slice(0, -1)) assert.equal((await wire.ask(line)).code, 250)
      assert.equal((await wire.ask(last)).text, '451 4.4.1 No answer in time, try again later')
      assert.match(String(stand.errors), /did not answer/)
      silent = false
      assert.equal((await wire.ask('RSET')).code, 250)
      assert.equal((await wire.mail('x\r\n')).code, 250)
    })
  }
})

test('a host that does not answer on connect is 421 4.4.1', async t => {
  const host = new RecordingHost({ connect: () => new Promise(() => {}) })
  const stand = await Stand.set(t, host, { timeouts: { hostMs: 100 } })
  const wire = await SmtpClient.connect(stand.port)
  assert.equal(await wire.rest(), '421 4.4.1 No answer in time, try again later\r\n')
})

test('a delivery that takes too long is 451 4.4.1, and its late answer is ignored', async t => {
  const late = new Later<Reply | undefined>()
  let deliveries = 0
  const host = new RecordingHost({ sink: { deliver: () => (deliveries++ === 0 ? late.promise : undefined) } })
  const stand = await Stand.set(t, host, { timeouts: { hostMs: 100 } })
  const wire = await stand.greeted()
  assert.equal((await wire.mail('x\r\n')).text, '451 4.4.1 No answer in time, try again later')
  late.resolve({ code: 250, status: '2.0.0', text: 'too late' })
  assert.equal((await wire.mail('x\r\n')).text, '250 2.0.0 Ok')
  assert.equal((await wire.ask('NOOP')).text, '250 2.0.0 Ok')
  assert.equal(host.calls.discard, 0)
})

test('a sink that comes too late is discarded', async t => {
  const late = new Later<MessageSink>()
  let asked = 0
  const host = new RecordingHost({ message: () => (asked++ === 0 ? late.promise : host.sink) })
  const stand = await Stand.set(t, host, { timeouts: { hostMs: 100 } })
  const wire = await stand.greeted()
  await wire.ask('MAIL FROM:<a@example.org>')
  await wire.ask('RCPT TO:<b@example.org>')
  assert.equal((await wire.ask('DATA')).code, 451)
  late.resolve(host.sink)
  await stand.until(() => host.calls.discard === 1, 'the sink to be discarded')
  await wire.ask('RSET')
  assert.equal((await wire.mail('x\r\n')).code, 250)
  assert.deepEqual(host.calls, { write: 1, deliver: 1, discard: 1 })
})

test('a write that takes too long discards the message: 451 at its end', async t => {
  let writes = 0
  const host = new RecordingHost({
    sink: { write: () => (writes++ === 0 ? new Promise(() => {}) : undefined) },
  })
  const stand = await Stand.set(t, host, { timeouts: { hostMs: 100 } })
  const wire = await stand.greeted()
  assert.match((await wire.mail('x\r\n')).text, /^451 /)
  assert.deepEqual([host.calls.deliver, host.calls.discard], [0, 1])
  assert.equal((await wire.mail('y\r\n')).code, 250)
})

test('the idle timeout does not run while the host is working', async t => {
  const late = new Later<undefined>()
  const host = new RecordingHost({ sink: { deliver: () => late.promise } })
  const stand = await Stand.set(t, host, { timeouts: { idleMs: 100, messageMs: 100 } })
  const wire = await stand.greeted()
  const answer = wire.mail('x\r\n')
  await stand.until(() => host.calls.deliver === 1, 'the delivery')
  const other = await SmtpClient.connect(stand.port)
  // The other client was silent as long, and is disconnected.
  await other.rest()
  late.resolve(undefined)
  assert.equal((await answer).code, 250)
})
