import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { FakeSes } from '../support/fake-ses.ts'
import { program, RelayProcess } from '../support/relay-process.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'

/** A user without an entry in the user database, as with `runAsUser` of Kubernetes. */
const uid = 4242
const cannot = whyNot()

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can run a program as another user'
  if (spawnSync('id', ['-un', String(uid)]).status === 0) return `there is a user with the id ${uid}`
  const { status } = spawnSync(process.execPath, [program, '--version'], { uid, gid: uid })
  return status === 0
    ? undefined
    : `a user with the id ${uid} may not run ${process.execPath} or read ${program}`
}

for (const workers of ['1', '2'])
  test(`without HOME, and as a user without an entry, messages are sent, with --workers ${workers}`, {
    skip: cannot ?? false,
  }, async t => {
    const standIn = await FakeSes.start()
    t.after(() => standIn.close())
    const relay = await RelayProcess.start(t, {
      args: ['-r', 'ses', '--workers', workers],
      env: standIn.environment,
      uid,
    })
    const wire = await SmtpClient.connect(relay.port)
    await wire.greet()
    expectCode(await wire.mail('Subject: x\r\n\r\nx\r\n'), 250)
    wire.vanish()
    await relay.stop()
    assert.doesNotMatch(relay.stderr.all.join('\n'), /homedir/)
  })
