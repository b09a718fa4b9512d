import assert from 'node:assert/strict'
import { test } from 'node:test'
import { within } from '../support/deadline.ts'
import { RelayProcess, run } from '../support/relay-process.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

test('clients without a file descriptor for them are disconnected, and the program continues', async t => {
  const maildir = await temporaryDirectory(t)
  const relay = await RelayProcess.start(t, { args: ['-r', 'maildir', '--maildir', maildir], maxFiles: 66 })
  const wires = await Promise.all(Array.from({ length: 100 }, () => SmtpClient.connect(relay.port)))
  const greeted = await Promise.all(
    wires.map(wire =>
      wire.reply().then(
        () => true,
        () => false,
      ),
    ),
  )
  assert.deepEqual(new Set(greeted), new Set([true, false]))
  assert.equal((await wires[greeted.indexOf(true)]!.ask('EHLO client.test')).code, 250)

  for (const wire of wires) wire.reset()
  const again = async () => {
    for (;;) {
      const wire = await SmtpClient.connect(relay.port)
      // The program may not have noticed yet that the other clients have disconnected.
      const hello = await wire.greet().catch(() => undefined)
      if (hello !== undefined) return wire
    }
  }
  const wire = await within(again(), 'a file descriptor')
  assert.equal((await wire.mail('x\r\n')).code, 250)
  wire.vanish()
})

test('--max-connections is lowered to what the limit of open files allows, and a message still has a file', async t => {
  const maildir = await temporaryDirectory(t)
  const relay = await RelayProcess.start(t, { args: ['-r', 'maildir', '--maildir', maildir], maxFiles: 128 })
  const [first = ''] = relay.stderr.all
  assert.match(
    first,
    /^--max-connections is lowered from 10000 to 64, because this process can have only 128 files/,
  )

  const served = await SmtpClient.connect(relay.port)
  await served.greet()
  // The other clients only stay connected. The first of them take all places; the rest is rejected and does not leave.
  const wires = await Promise.all(Array.from({ length: 200 }, () => SmtpClient.connect(relay.port)))
  t.after(() => {
    for (const wire of wires) wire.reset()
  })
  const codes = await Promise.all(wires.map(async wire => (await wire.reply()).code))
  assert.equal(codes.filter(code => code === 220).length, 63)
  assert.equal(codes.filter(code => code === 421).length, 137)

  for (let mail = 0; mail < 3; mail++) assert.equal((await served.mail('x\r\n')).code, 250)
})

test('each worker has its own limit of open files, and the program reports once what it has lowered', async t => {
  const maildir = await temporaryDirectory(t)
  const args = ['-r', 'maildir', '--maildir', maildir, '--workers', '2', '--max-connections', '10001']
  const relay = await RelayProcess.start(t, { args, maxFiles: 128 })
  const told = relay.stderr.all.filter(line => line.startsWith('--max-connections'))
  assert.equal(told.length, 1, told.join('\n'))
  assert.match(told[0]!, /is lowered from 10001 to 128, because each of 2 workers can have only 128 files/)
  const wires: SmtpClient[] = []
  t.after(() => {
    for (const wire of wires) wire.reset()
  })
  const codes: number[] = []
  // One after the other: the primary, which accepts all of them, may open no more files than a worker.
  while (codes.length < 150) {
    const wire = await SmtpClient.connect(relay.port)
    wires.push(wire)
    codes.push((await wire.reply()).code)
  }
  assert.equal(codes.filter(code => code === 220).length, 128)
})

test('--check says that --max-connections would be lowered', async t => {
  const maildir = await temporaryDirectory(t)
  const { code, stdout, stderr } = await run(['-r', 'maildir', '--maildir', maildir, '--check'], {}, 128)
  assert.equal(code, 0)
  assert.match(stderr, /^--max-connections is lowered from 10000 to 64, /)
  assert.match(stdout, /^Connection limits: 64 in total, /m)
})
