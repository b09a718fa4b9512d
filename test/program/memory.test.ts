import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { within } from '../support/deadline.ts'
import { FakeSes } from '../support/fake-ses.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'
import { HoldingProxy } from './holding-proxy.ts'

const MiB = 1024 * 1024
const text = Buffer.from('A line of a mail that is neither short nor long, at all.\r\n'.repeat(36_000))

test('clients with more messages at once than memory: each gets a reply, messages are complete, memory is bounded', {
  timeout: 120_000,
}, async t => {
  const { standIn, relay } = await begin(t, ['--message-memory', '64MiB'])
  const idle = await relay.peakMemory()
  const clients = 100
  const heard = await Promise.all(Array.from({ length: clients }, (_, n) => send(relay.port, n)))
  for (const reply of heard) assert.match(reply, /^(250 2\.0\.0 |452 4\.3\.1 )/)
  const taken = heard.flatMap((reply, n) => (reply.startsWith('250') ? [n] : []))
  assert.ok(taken.length > 0)

  // Exactly the messages that were accepted, each once, byte for byte.
  const arrived = standIn.calls.map(({ data }) => {
    const content = data.subarray(data.indexOf('Client: '))
    const [, n] = /^Client: (\d+)\r\n/.exec(content.toString('latin1', 0, 20)) ?? []
    assert.equal(digest(content), digest(mailOf(Number(n))))
    return Number(n)
  })
  assert.deepEqual(
    arrived.toSorted((a, b) => a - b),
    taken,
  )
  // Besides the program itself and the memory budget: garbage that is not collected yet. All messages are 275 MiB.
  const peak = await relay.peakMemory()
  assert.ok(
    peak === undefined || idle === undefined || peak - idle < (64 + 100) * MiB,
    `${peak} bytes, ${idle} before`,
  )
})

test('memory is free for other clients after replies, refusals and disconnects', {
  timeout: 120_000,
}, async t => {
  const standIn = await FakeSes.start()
  t.after(() => standIn.close())
  const gate = await HoldingProxy.startBefore(standIn.endpoint)
  t.after(() => gate.close())
  const env = { ...standIn.environment, AWS_ENDPOINT_URL: gate.endpoint }
  // One message may take 4 × 4 MiB, if its bytes are the worst case: the others share 4 MiB.
  const args = ['-r', 'ses', '--max-size', '4MiB', '--message-memory', '20MiB', '--max-wait', '1']
  const relay = await RelayProcess.start(t, { args, env })
  const fillers = Array.from({ length: 8 }, (_, n) => send(relay.port, n))
  await gate.answerHeld()
  const refused = await within(Promise.race(fillers), 'a mail to be refused')
  assert.equal(refused, '452 4.3.1 Insufficient memory, try again later')
  const gone = await SmtpClient.connect(relay.port)
  await gone.greet()
  gone.say('MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n')
  gone.vanish()
  gate.release()
  const all = await Promise.all(fillers)
  assert.ok(all.some(reply => reply.startsWith('250')))
  assert.ok(relay.stderr.all.some(line => line.includes('NoMemory: the memory for messages is in use')))
  // As many messages as before fit again, one after the other.
  for (let n = 0; n < 5; n++) assert.match(await send(relay.port, n), /^250 /)
})

test('with all memory held by slow clients, small messages of others are accepted at once, and a large one after a while', {
  timeout: 120_000,
}, async t => {
  const { standIn, relay } = await begin(t, ['--message-memory', '64MiB', '--max-size', '4MiB'])
  // All of its base64 is slashes, each of which a form encodes as three characters: 4 MiB for 1 MiB.
  const costly = Buffer.alloc(1024 * 1024, 0xff)
  const slow = await Promise.all(
    Array.from({ length: 21 }, async () => {
      const wire = await SmtpClient.connect(relay.port, { from: '127.0.0.2' })
      await wire.greet()
      await wire.open()
      return wire
    }),
  )
  // The first client has sent DATA, and sends nothing more.
  for (const wire of slow.slice(1)) wire.say(costly)
  const large = send(relay.port, 0)
  let largeReply: string | undefined
  void large.then(reply => (largeReply = reply))
  const tookMs: number[] = []
  while (largeReply === undefined) {
    const sinceMs = performance.now()
    const wire = await SmtpClient.connect(relay.port)
    await wire.greet()
    expectCode(await wire.mail('twenty bytes of it\r\n'), 250)
    tookMs.push(performance.now() - sinceMs)
    wire.vanish()
    await setTimeout(200)
  }
  assert.match(largeReply, /^250 /)
  // Far less than the 20 seconds that a message may wait, even if the machine is busy.
  assert.ok(tookMs.length > 3 && Math.max(...tookMs) < 5000, `${tookMs.map(Math.round)}`)
  assert.ok(standIn.calls.some(({ data }) => data.includes('Client: 0\r\n')))

  const heard = await Promise.all(
    slow.map(async wire => {
      wire.say('\r\n.\r\n')
      const { text } = await wire.reply('the final dot', 60_000)
      wire.vanish()
      return text
    }),
  )
  const tooSlow = '452 4.3.1 Content came too slowly while memory was short, try again later'
  for (const text of heard) {
    if (!text.startsWith('250 '))
      assert.ok([tooSlow, '452 4.3.1 Insufficient memory, try again later'].includes(text), text)
  }
  const ended = heard.filter(text => text === tooSlow).length
  assert.ok(ended > 0)
  const logged = relay.stderr.all.filter(line =>
    line.includes('TooSlow: content arrived at less than 1024 bytes'),
  )
  assert.equal(logged.length, ended)
})

async function begin(t: Parameters<typeof RelayProcess.start>[0], args: readonly string[]) {
  const standIn = await FakeSes.start()
  t.after(() => standIn.close())
  const relay = await RelayProcess.start(t, { args: ['-r', 'ses', ...args], env: standIn.environment })
  return { standIn, relay }
}

/** Sends one message, and returns the code that the client gets in place of 354, or after the content. */
async function send(port: number, n: number): Promise<string> {
  const wire = await SmtpClient.connect(port)
  await wire.greet()
  await wire.ask('MAIL FROM:<a@example.org>')
  await wire.ask('RCPT TO:<b@example.org>')
  wire.say('DATA\r\n')
  const go = await wire.reply('DATA', 60_000)
  if (go.code !== 354) return go.text
  wire.say(Buffer.concat([mailOf(n), Buffer.from('.\r\n')]))
  const { text } = await wire.reply('the final dot', 60_000)
  expectCode(await wire.ask('QUIT'), 221)
  wire.vanish()
  return text
}

function mailOf(n: number): Buffer {
  return Buffer.concat([Buffer.from(`Client: ${n}\r\n\r\n`), text])
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
