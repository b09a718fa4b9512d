import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Wire } from '../transport/wire.ts'
import { within } from './deadline.ts'
import { RelayProcess, temporaryDirectory } from './relay-process.ts'

test('clients for whom there is no file descriptor are closed, and the program goes on', async t => {
  const maildir = await temporaryDirectory(t)
  const relay = await RelayProcess.start(t, { args: ['-r', 'maildir', '--maildir', maildir], maxFiles: 60 })
  const wires = await Promise.all(Array.from({ length: 100 }, () => Wire.connect(relay.port)))
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
      const wire = await Wire.connect(relay.port)
      // The program may not have noticed yet that the others are gone.
      const hello = await wire.greet().catch(() => undefined)
      if (hello !== undefined) return wire
    }
  }
  const wire = await within(again(), 'a file descriptor')
  assert.equal((await wire.mail('x\r\n')).code, 250)
  wire.vanish()
})
