import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Later, RecordingHost } from '../support/recording-host.ts'
import type { SmtpClient } from '../support/smtp-client.ts'
import { Stand } from './stand.ts'

const megabyte = 1024 * 1024

for (const tls of [false, true]) {
  const where = tls ? 'inside TLS' : 'in the clear'

  test(`a pending promise of the sink stops reading from the client, ${where}`, async t => {
    const later = new Later<void>()
    let bytes = 0
    let held = true
    const host = new RecordingHost({
      sink: {
        write: piece => {
          bytes += piece.length
          return held ? later.promise : undefined
        },
      },
    })
    const stand = await Stand.set(t, host)
    const wire = await stand.greeted(tls)
    const other = await stand.greeted()
    await wire.open()
    const content = Buffer.alloc(64 * megabyte, `${'x'.repeat(78)}\r\n`)
    wire.say(content)
    wire.say('\r\n.\r\n')
    await stand.until(() => host.calls.write > 0, 'the first bytes')

    const [socket] = stand.sockets
    const before = await settled(other, () => socket!.bytesRead)
    assert.ok(before < megabyte, `${before} bytes were read while the host had the word`)
    assert.equal(host.calls.write, 1)

    held = false
    later.resolve()
    assert.equal((await wire.reply()).code, 250)
    assert.equal(bytes, content.length + 2)
    assert.deepEqual(stand.errors, [])
  })

  test(`nothing is read from a client that does not read its replies, ${where}`, async t => {
    const stand = await Stand.set(t, new RecordingHost())
    const wire = await stand.greeted(tls)
    const other = await stand.greeted()
    const commands = 200_000
    const said = 'EHLO x\r\n'.repeat(commands)
    wire.socket.pause()
    wire.say(said)
    wire.finish()

    const [socket] = stand.sockets
    await stand.until(() => socket!.bytesRead > 64 * 1024, 'the first commands')
    const read = await settled(other, () => socket!.bytesRead)
    assert.ok(read < said.length / 2, `${read} of ${said.length} bytes were read`)
    assert.ok(socket!.writableLength < 16 * megabyte, `${socket!.writableLength} bytes wait to be written`)

    wire.socket.resume()
    const heard = await wire.rest()
    assert.equal(heard.match(/^250 /gm)?.length, commands)
  })
}

test('a socket is read in small pieces, and in larger ones during a large message', async t => {
  const sizes: number[] = []
  const host = new RecordingHost({ sink: { write: piece => void sizes.push(piece.length) } })
  const stand = await Stand.set(t, host)
  const wire = await stand.greeted()
  await wire.open()
  const content = Buffer.alloc(4 * megabyte, `${'x'.repeat(78)}\r\n`)
  wire.say(content)
  wire.say('\r\n.\r\n')
  assert.equal((await wire.reply()).code, 250)
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  assert.equal(bytes, content.length + 2)
  let read = 0
  for (const size of sizes) {
    if (read < 200 * 1024) assert.ok(size <= 16 * 1024, `${size} bytes after ${read}`)
    read += size
  }
  assert.ok(Math.max(...sizes) > 16 * 1024 && Math.max(...sizes) <= 64 * 1024, `${Math.max(...sizes)}`)
})

test('while one client floods the server, another one is served', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const flood = await stand.greeted()
  const other = await stand.greeted()
  flood.say('EHLO x\r\n'.repeat(200_000))
  flood.finish()
  let served = 0
  while (!flood.ended) {
    assert.equal((await other.ask('EHLO y')).code, 250)
    served++
  }
  assert.ok(served > 5, `${served} replies meanwhile`)
})

test('commands that come while the host is working are executed in order afterwards', async t => {
  const later = new Later<undefined>()
  const order: string[] = []
  const host = new RecordingHost({
    sender: () => {
      order.push('sender')
      return later.promise
    },
    recipient: ({ address }) => void order.push(address),
  })
  const stand = await Stand.set(t, host)
  const wire = await stand.greeted()
  const recipients = Array.from({ length: 50 }, (_, n) => `r${n}@example.org`)
  wire.say(`MAIL FROM:<a@example.org>\r\n${recipients.map(to => `RCPT TO:<${to}>\r\n`).join('')}`)
  await stand.until(() => order.length > 0, 'the first question')
  const other = await stand.greeted()
  for (let times = 0; times < 10; times++) await other.ask('NOOP')
  assert.deepEqual(order, ['sender'])
  later.resolve(undefined)
  for (let replies = 0; replies < 51; replies++) assert.equal((await wire.reply()).code, 250)
  assert.deepEqual(order, ['sender', ...recipients])
})

test('a message that comes byte by byte is the same message', async t => {
  const host = new RecordingHost()
  const stand = await Stand.set(t, host)
  const wire = await stand.greeted()
  await wire.open()
  const content = 'a\r\n..b\r\n\r\n..\r\n'
  for (const byte of `${content}.\r\n`) await wire.put(byte)
  assert.equal((await wire.reply()).code, 250)
  assert.equal(host.delivered[0]!.toString(), 'a\r\n.b\r\n\r\n.\r\n')
})

test('replies to commands in one segment are sent in one write', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wire = await stand.greeted()
  const [socket] = stand.sockets
  const written = t.mock.method(socket!, 'write')
  const recipients = 'RCPT TO:<b@example.org>\r\n'.repeat(40)
  wire.say(`MAIL FROM:<a@example.org>\r\n${recipients}RSET\r\n`)
  for (let replies = 0; replies < 42; replies++) assert.equal((await wire.reply()).code, 250)
  assert.equal(written.mock.callCount(), 1)
})

/** Returns the value once it is stable over many iterations of the server's event loop, which replies to another client show. */
async function settled(other: SmtpClient, value: () => number): Promise<number> {
  let last = value()
  for (let same = 0; same < 50; same++) {
    await other.ask('EHLO y')
    if (value() !== last) same = 0
    last = value()
  }
  return last
}
