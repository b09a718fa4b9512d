import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { RelayProcess } from '../support/relay-process.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'

// A client that behaves badly in one of these ways, alone or by the thousand, ends with the reply of its limit, and other
// clients are not affected.

const MiB = 1024 * 1024
const waitedTooLong = '421 4.4.2 relay.test timeout exceeded, closing connection\r\n'

/** Milliseconds; long enough to tell a silent client from one that waits for a busy machine. */
const times = ['--idle-timeout', '6', '--data-timeout', '8']

test('with five thousand silent clients, slow ones, ones that never read, and endless lines, others are served and memory is bounded', {
  timeout: 120_000,
}, async t => {
  const relay = await RelayProcess.start(t, { args: ['-r', 'discard', ...times] })
  const others = new AbortController()
  t.after(() => others.abort())
  const served = serve(relay.port, others.signal)

  const crowd = await Promise.all([
    ...Array.from({ length: 50 }, () => silent(relay.port, 100)),
    slowCommand(relay.port),
    slowContent(relay.port),
    deaf(relay.port),
    endlessLine(relay.port, 1024 * MiB),
  ])
  others.abort()
  assert.deepEqual(
    crowd.filter(complaint => complaint !== undefined),
    [],
  )

  const { mails, slowestMs } = await served
  assert.ok(mails >= 20, `${mails} mails were served meanwhile`)
  assert.ok(slowestMs < 5000, `one of them took ${slowestMs} ms`)
  const peak = await relay.peakMemory()
  assert.ok(peak === undefined || peak < 512 * MiB, `${peak} bytes`)
  assert.deepEqual(
    relay.stderr.all.filter(line => /error|warn/i.test(line)),
    [],
  )
})

/** Sends one message after the other, each over a connection of its own. */
async function serve(port: number, signal: AbortSignal): Promise<{ mails: number; slowestMs: number }> {
  let mails = 0
  let slowestMs = 0
  while (!signal.aborted) {
    const begun = performance.now()
    const wire = await SmtpClient.connect(port)
    await wire.greet()
    expectCode(await wire.mail('x\r\n'), 250)
    expectCode(await wire.ask('QUIT'), 221)
    wire.vanish()
    slowestMs = Math.max(slowestMs, performance.now() - begun)
    mails++
    // The bad clients run in this process, too.
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return { mails, slowestMs }
}

type Complaint = string | undefined

/** A number of clients that connect and send nothing. */
async function silent(port: number, count: number): Promise<Complaint> {
  const wires = await Promise.all(Array.from({ length: count }, () => SmtpClient.connect(port)))
  const heard = await Promise.all(wires.map(wire => wire.rest(60_000)))
  for (const wire of wires) wire.vanish()
  const wrong = heard.find(
    text => text !== `220 relay.test AWS SMTP Relay ESMTP Service ready\r\n${waitedTooLong}`,
  )
  return wrong === undefined ? undefined : `a silent client heard ${JSON.stringify(wrong)}`
}

/** Sends a byte of a command now and then. */
async function slowCommand(port: number): Promise<Complaint> {
  const wire = await SmtpClient.connect(port)
  await wire.greet()
  const timer = setInterval(() => wire.say('x'), 100)
  const heard = await wire.rest(60_000)
  clearInterval(timer)
  return heard === waitedTooLong ? undefined : `a slow command heard ${JSON.stringify(heard)}`
}

/** Sends a byte of content now and then. */
async function slowContent(port: number): Promise<Complaint> {
  const wire = await SmtpClient.connect(port)
  await wire.greet()
  await wire.open()
  const timer = setInterval(() => wire.say('x'), 100)
  const heard = await wire.rest(60_000)
  clearInterval(timer)
  return heard === waitedTooLong ? undefined : `slow content heard ${JSON.stringify(heard)}`
}

/** Sends messages without end, and never reads a reply: the server reads from it only while there is room for replies. */
async function deaf(port: number): Promise<Complaint> {
  const wire = await SmtpClient.connect(port)
  await wire.greet()
  const { socket } = wire
  socket.pause()
  const message = 'MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\r\n.\r\n'
  const questions = Buffer.from(message.repeat(10_000))
  let said = 0
  // A write that is not taken for a second shows that the server has stopped reading.
  while (said < 256 * MiB && (await taken(socket, questions))) said += questions.length
  const stuck = socket.writable && said < 256 * MiB
  socket.destroy()
  return stuck ? undefined : `a deaf client was heard for ${said} bytes`
}

async function taken(socket: Socket, bytes: Buffer): Promise<boolean> {
  if (socket.write(bytes)) return true
  const stuck = new Promise(resolve => setTimeout(resolve, 1000, false))
  return (await Promise.race([once(socket, 'drain'), stuck])) !== false
}

/** Sends a line that does not end. */
async function endlessLine(port: number, bytes: number): Promise<Complaint> {
  const wire = await SmtpClient.connect(port)
  await wire.greet()
  const { socket } = wire
  const piece = Buffer.alloc(MiB, 'x')
  let said = 0
  while (socket.writable && !wire.ended && said < bytes) {
    said += piece.length
    if (!socket.write(piece))
      await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {})
  }
  const heard = await wire.rest(60_000)
  const right = /^500 5\.5\.2 Line too long\r\n421 4\.7\.0 Line too long, closing connection\r\n$/
  return right.test(heard) && said < bytes
    ? undefined
    : `after ${said} bytes, an endless line heard ${JSON.stringify(heard)}`
}
