import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from '../src/config/index.ts'
import { startupMessage } from '../src/program/startup-messages.ts'

function lines(...argv: readonly string[]): readonly string[] {
  const parsed = parse(argv, { PASSWORD: 'hidden' })
  if (parsed.type !== 'settings') assert.fail(JSON.stringify(parsed))
  return startupMessage(parsed.settings, parsed.settings.listen, '1.2.3').split('\n')
}

const everybody = 'Everybody who can reach it may send; -i, -u, --users-file and -l limit that'

test('a start with few options says in four lines what it does, and for whom', () => {
  const [where, what, who, how, ...rest] = lines()
  assert.deepEqual(
    [where, what, who],
    ['aws-smtp-relay 1.2.3 listens on :1025', 'Mail goes to Amazon SES', everybody],
  )
  assert.match(how!, /^Try: printf .* \| curl smtp:\/\/127\.0\.0\.1:1025\//)
  assert.deepEqual(rest, [''])
})

test('where mail leaves this machine, and others than this machine may bring it, is said so', () => {
  const says = (...argv: readonly string[]) => lines(...argv).includes(everybody)
  assert.ok(says('-r', 'sesv2'))
  assert.ok(says('-a', '127.0.0.1:25,10.0.0.1:25'))
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
    assert.ok(!says(...argv), argv.join(' '))
  }
})
