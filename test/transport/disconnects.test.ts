import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import type { Client } from '../../src/protocol/index.ts'
import { testTimeoutMs } from '../support/deadline.ts'
import { Later, RecordingHost } from '../support/recording-host.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { Stand } from './stand.ts'

const hello = 'EHLO client.test\r\n'
const envelope = 'MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n'
const mail = `${envelope}DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n`

for (const tls of [false, true]) {
  test(`all commands that a client sent before it closed its half are answered, ${tls ? 'TLS' : 'clear'}`, async t => {
    const host = new RecordingHost({ recipient: async () => undefined, sink: { write: async () => {} } })
    const stand = await Stand.set(t, host)
    const wire = await SmtpClient.connect(tls ? stand.tlsPort : stand.port, { tls })
    wire.say(hello + mail.repeat(20))
    wire.finish()
    const heard = await wire.rest()
    assert.equal(heard.match(/^250 2\.0\.0 Ok\r$/gm)?.length, 20)
    assert.deepEqual(host.calls, { write: 20, deliver: 20, discard: 0 })
    await stand.emptied()
  })
}

test('an incomplete message is discarded when the client closes its half', async t => {
  const host = new RecordingHost()
  const stand = await Stand.set(t, host)
  const wire = await SmtpClient.connect(stand.port)
  wire.say(`${hello}${envelope}DATA\r\nx\r\n.\r`)
  wire.finish()
  assert.match(await wire.rest(), /\r\n354 [^\r\n]*\r\n$/)
  await stand.emptied()
  assert.deepEqual(host.calls, { write: 1, deliver: 0, discard: 1 })
})

test('a client that closed its half still gets the reply to its message', async t => {
  const later = new Later<undefined>()
  const host = new RecordingHost({ sink: { deliver: () => later.promise } })
  const stand = await Stand.set(t, host)
  const wire = await SmtpClient.connect(stand.port)
  wire.say(hello + mail)
  wire.finish()
  await stand.until(() => host.calls.deliver === 1, 'the delivery')
  const other = await stand.greeted()
  for (let times = 0; times < 10; times++) await other.ask('NOOP')
  assert.equal(wire.ended, false)
  later.resolve(undefined)
  assert.match(await wire.rest(), /\r\n250 2\.0\.0 Ok\r\n$/)
})

for (const tls of [false, true]) {
  for (const leave of ['vanish', 'finish', 'reset', 'stay'] as const) {
    const is = leave === 'stay' ? 'is not' : 'is'
    test(`while the host delivers a message its client ${is} gone after: ${leave}, ${tls ? 'TLS' : 'clear'}`, async t => {
      const later = new Later<undefined>()
      const clients: Client[] = []
      const host: RecordingHost = new RecordingHost({
        sink: { deliver: () => later.promise },
        message(_, client) {
          clients.push(client)
          return host.sink
        },
      })
      const stand = await Stand.set(t, host)
      const wire = await SmtpClient.connect(tls ? stand.tlsPort : stand.port, { tls })
      await wire.greet()
      wire.say(mail)
      await stand.until(() => host.calls.deliver === 1, 'the delivery')
      assert.equal(clients[0]!.gone, false)
      if (leave !== 'stay') {
        wire[leave]()
        await stand.until(() => clients[0]!.gone === true, 'the client to be gone')
      }
      const other = await stand.greeted()
      for (let times = 0; times < 10; times++) await other.ask('NOOP')
      assert.equal(clients[0]!.gone, leave !== 'stay')
      assert.equal(host.calls.discard, 0)
      later.resolve(undefined)
      if (leave === 'finish') assert.match(await wire.rest(), /\r\n250 2\.0\.0 Ok\r\n$/)
    })
  }
}

test('a client that gets 421 while the host delivers its message is gone', async t => {
  const later = new Later<undefined>()
  let client: Client | undefined
  const host: RecordingHost = new RecordingHost({
    sink: { deliver: () => later.promise },
    message(_, from) {
      client = from
      return host.sink
    },
  })
  const stand = await Stand.set(t, host)
  const wire = await stand.greeted()
  wire.say(mail)
  await stand.until(() => host.calls.deliver === 1, 'the delivery')
  assert.equal(client!.gone, false)
  const closed = stand.server.close(0)
  assert.match(await wire.rest(), /421 4\.3\.2 /)
  assert.equal(client!.gone, true)
  later.resolve(undefined)
  await closed
})

const never = { write: 0, deliver: 0, discard: 0 }
/** What the client sends up to a question, and how often the sink is called when the answer is too late. */
const questions = {
  connect: { said: '', calls: never },
  login: { said: `${hello}AUTH PLAIN AHVzZXIAc2VjcmV0\r\n`, calls: never },
  sender: { said: hello + mail, calls: never },
  recipient: { said: hello + mail, calls: never },
  message: { said: hello + mail, calls: { write: 0, deliver: 0, discard: 1 } },
  write: { said: hello + mail, calls: { write: 1, deliver: 0, discard: 1 } },
  deliver: { said: hello + mail, calls: { write: 1, deliver: 1, discard: 0 } },
} as const

for (const ending of ['yes', 'no', 'an error', 'silence'] as const) {
  for (const noticed of [true, false]) {
    const when = noticed ? 'before' : 'at the moment of'
    test(`a client that is gone ${when} the host's answer causes no error; the answer is ${ending}`, async t => {
      for (const [question, { said, calls }] of Object.entries(questions)) {
        await t.test(question, async t => {
          const later = new Later<unknown>()
          let asked = 0
          const ask = () => {
            asked++
            return later.promise
          }
          const inSink = question === 'write' || question === 'deliver'
          const host = new RecordingHost(inSink ? { sink: { [question]: ask } } : { [question]: ask })
          const hostMs = ending === 'silence' ? 100 : 60_000
          const stand = await Stand.set(t, host, { timeouts: { hostMs } })
          const wire = await SmtpClient.connect(stand.port)
          await wire.put(said)
          await stand.until(() => asked === 1, 'the question')
          wire.reset()
          if (noticed) await stand.until(() => stand.closed.size === 1, 'the server to notice')
          if (ending === 'yes') later.resolve(question === 'message' ? host.sink : undefined)
          else if (ending === 'no') later.resolve({ code: 550, status: '5.7.1', text: 'no' })
          else if (ending === 'an error') later.reject(new Error('too bad'))
          await stand.emptied()

          assert.equal(stand.errors.length, ending === 'an error' || ending === 'silence' ? 1 : 0)
          const { write, deliver, discard } = host.calls
          const opened = question !== 'message' || ending === 'yes'
          if (noticed) assert.deepEqual(host.calls, opened ? calls : never)
          // The whole message had come and may have been delivered, but only once, and not discarded as well.
          else assert.ok(deliver + discard <= 1 && (write === 0 || deliver + discard === 1))
          assert.ok(asked <= 1)
        })
      }
    })
  }
}

test('the host is not asked about a client that has disconnected before it was accepted', async t => {
  const asked: string[] = []
  const host = new RecordingHost({ connect: ({ address }) => void asked.push(address) })
  const stand = await Stand.set(t, host)
  const visit = `const socket = require('net').connect(${stand.port}, '127.0.0.1', () => socket.resetAndDestroy())`
  // This process accepts no connection while it waits for the other one.
  assert.equal(spawnSync(process.execPath, ['-e', visit], { timeout: testTimeoutMs }).status, 0)
  // A later connection is accepted later.
  await stand.greeted()
  assert.deepEqual(asked, ['127.0.0.1'])
  assert.deepEqual(stand.errors, [])
})

test('a message whose client disconnects in the middle of it is discarded once', async t => {
  for (const leave of ['vanish', 'reset'] as const) {
    const host = new RecordingHost()
    const stand = await Stand.set(t, host)
    const wire = await stand.greeted()
    await wire.open()
    await wire.put('half a ')
    await stand.until(() => host.calls.write === 1, 'the content')
    wire[leave]()
    await stand.emptied()
    assert.deepEqual(host.calls, { write: 1, deliver: 0, discard: 1 })
    assert.deepEqual(stand.errors, [])
  }
})

// The content ends in two pieces: a bare LF makes the first one a copy, and the CR at the end is held back.
const twoPieces = 'MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nBDAT 3 LAST\r\n\nx\r'

test('a connection whose client disconnects while the host takes the last content is closed once', async t => {
  const later = new Later<void>()
  const host = new RecordingHost({ sink: { write: () => later.promise } })
  const ends: string[] = []
  const stand = await Stand.set(t, host, {
    onEvent: event => event.type === 'closed' && ends.push(event.reason),
  })
  const wire = await stand.greeted()
  wire.say(twoPieces)
  await stand.until(() => host.calls.write === 1, 'the content')
  wire.reset()
  await stand.until(() => stand.closed.size === 1, 'the server to notice')
  const { receivedBytes } = stand.server
  later.resolve()
  await stand.emptied()
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(ends, ['disconnect'])
  assert.equal(stand.server.receivedBytes, receivedBytes)
  assert.deepEqual(host.calls, { write: 1, deliver: 0, discard: 1 })
})

test('a connection is closed once, even if the host discards its message asynchronously', async t => {
  const later = new Later<void>()
  const host = new RecordingHost({ sink: { discard: () => later.promise } })
  const ends: string[] = []
  const stand = await Stand.set(t, host, {
    onEvent: event => event.type === 'closed' && ends.push(event.reason),
  })
  const wire = await stand.greeted()
  await wire.open()
  await wire.put('x\r\n')
  await stand.until(() => host.calls.write === 1, 'the content')
  wire.reset()
  await stand.until(() => host.calls.discard === 1, 'the end of the message')
  const { receivedBytes } = stand.server
  later.resolve()
  await stand.emptied()
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(stand.server.receivedBytes, receivedBytes)
  assert.equal(host.calls.discard, 1)
  assert.deepEqual(ends, ['disconnect'])
})
