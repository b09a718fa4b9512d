import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { SesStandIn } from '../relay/ses-stand-in.ts'
import { expectCode, Wire } from '../transport/wire.ts'
import { RelayProcess } from './relay-process.ts'

/** A user that has no entry in the table of users, as with `runAsUser` of Kubernetes. */
const uid = 4242
const cannot =
  process.getuid?.() !== 0
    ? 'only root can run a program as another user'
    : spawnSync('id', ['-un', String(uid)]).status === 0 && `there is a user with the id ${uid}`

for (const workers of ['1', '2'])
  test(`without HOME, and as a user without an entry, messages are sent, with --workers ${workers}`, {
    skip: cannot,
  }, async t => {
    const standIn = await SesStandIn.start()
    t.after(() => standIn.close())
    const relay = await RelayProcess.start(t, {
      args: ['-r', 'ses', '--workers', workers],
      env: standIn.environment,
      uid,
    })
    const wire = await Wire.connect(relay.port)
    await wire.greet()
    expectCode(await wire.mail('Subject: x\r\n\r\nx\r\n'), 250)
    wire.vanish()
    await relay.stop()
    assert.doesNotMatch(relay.stderr.all.join('\n'), /homedir/)
  })
