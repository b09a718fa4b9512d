import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from '../../src/config/index.ts'
import { startupMessage } from '../../src/program/startup-messages.ts'

function lines(...argv: readonly string[]): readonly string[] {
  const parsed = parse(argv, { PASSWORD: 'hidden' })
  if (parsed.type !== 'settings') assert.fail(JSON.stringify(parsed))
  return startupMessage(parsed.settings, parsed.settings.listen, '1.2.3').split('\n')
}

const warning =
  'Warning: open relay: anyone who can connect may send. Restrict with -i, -u, --users-file or -l'

test('a start with default options says in four lines where it listens, what it does, and that it is an open relay', () => {
  const [address, backend, relay, command, ...rest] = lines()
  assert.deepEqual(
    [address, backend, relay],
    ['aws-smtp-relay 1.2.3 listens on :1025', 'Backend: Amazon SES', warning],
  )
  assert.match(command!, /^Try: printf .* \| curl smtp:\/\/127\.0\.0\.1:1025\//)
  assert.deepEqual(rest, [''])
})

test('the warning of an open relay is written only if other machines can connect and messages leave this machine', () => {
  const warns = (...argv: readonly string[]) => lines(...argv).includes(warning)
  assert.ok(warns('-r', 'sesv2'))
  assert.ok(warns('-a', '127.0.0.1:25,10.0.0.1:25'))
  for (const argv of [
    ['-r', 'maildir'],
    ['-r', 'discard'],
    ['-a', '127.0.0.1:25'],
    ['-a', 'localhost:25,[::1]:25'],
    ['-i', '10.0.0.0/8'],
    ['-u', 'tim'],
    ['--users-file', 'list', '--allow-plaintext-auth'],
    ['-l', '@example\\.org$'],
  ]) {
    assert.ok(!warns(...argv), argv.join(' '))
  }
})
