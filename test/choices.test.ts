import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddressList } from '../src/auth/index.ts'
import { configFromObject, type ServerConfig } from '../src/config/from-object.ts'
import { parse, type Settings } from '../src/config/index.ts'

function settings(argv: readonly string[], env = {}): Settings {
  const parsed = parse(argv, env)
  return parsed.type === 'settings' ? parsed.settings : assert.fail(JSON.stringify(parsed))
}

test('the defaults of an object are those of the command line', () => {
  assert.deepEqual(configFromObject({}, false), settings([]))
})

const hash = `$2b$10$${'.'.repeat(22)}${'.'.repeat(31)}`
const arn = 'arn:aws:ses:eu-west-1:123456789012:identity/example.org'
const tls = { certPath: 'a.pem', keyPath: 'b.pem', passphrase: 'secret' }
const tlsArguments = ['-c', 'a.pem', '-k', 'b.pem']
const tlsSecret = { TLS_KEY_PASS: 'secret' }
const list = new AddressList('10.0.0.0/8,::1')

/** A choice, and the command line and the secrets that say the same. */
const pairs: readonly [ServerConfig, readonly string[], Record<string, string>?][] = [
  [{ service: 'Mail' }, ['-n', 'Mail']],
  [{ hostname: 'mx.test' }, ['-h', 'mx.test']],
  [{ tls }, tlsArguments, tlsSecret],
  [{ tls, requireTls: true }, [...tlsArguments, '-s'], tlsSecret],
  [{ relay: 'maildir', maildirPath: 'boxes' }, ['-r', 'maildir', '--maildir', 'boxes']],
  [{ access: { addresses: list } }, ['-i', '10.0.0.0/8,::1']],
  [{ access: { user: { name: 'user', password: 'p' } } }, ['-u', 'user'], { PASSWORD: 'p' }],
  [
    { access: { user: { name: 'user', bcryptHash: hash } }, allowPlaintextAuth: true },
    ['-u', 'user', '--allow-plaintext-auth'],
    { BCRYPT_HASH: hash },
  ],
  [{ usersFile: 'users', tls }, ['--users-file', 'users', ...tlsArguments], tlsSecret],
  [{ filters: { allowFrom: 'a', denyTo: 'b', allowTo: 'c' } }, ['-l', 'a', '-d', 'b', '--allow-to', 'c']],
  [{ configurationSet: 'set' }, ['-e', 'set']],
  [{ sourceArn: arn, fromArn: arn, returnPathArn: arn }, ['-o', arn, '-f', arn, '-p', arn]],
  [{ tags: { a: 'b', c: 'd' } }, ['--tags', 'a=b,c=d']],
  [{ tags: {} }, []],
  [{ relay: 'pinpoint', pinpointApplicationId: 'id' }, ['-r', 'pinpoint', '--pinpoint-application-id', 'id']],
  [
    { upstreamConnections: 3, upstreamTimeoutMs: 1500 },
    ['--upstream-connections', '3', '--upstream-timeout', '1.5'],
  ],
  [{ sendRate: 14 }, ['--send-rate', '14']],
  [{ sendRate: 'auto' }, ['--send-rate', 'auto']],
  [{ maxMessageBytes: 1_000_000, maxRecipients: 5 }, ['--max-size', '1000000', '--max-recipients', '5']],
  [
    { maxConnections: 7, maxConnectionsPerIp: 2 },
    ['--max-connections', '7', '--max-connections-per-ip', '2'],
  ],
  [{ maxConnectionsPerIp: Number.POSITIVE_INFINITY }, ['--max-connections-per-ip', '0']],
  [{ idleTimeoutMs: 250, dataTimeoutMs: 90_000 }, ['--idle-timeout', '0.25', '--data-timeout', '90']],
  [{ messageMemoryBytes: 1024 ** 3, maxWaitMs: 0 }, ['--message-memory', '1GiB', '--max-wait', '0']],
  [{ trustedProxies: list }, ['--proxy-protocol', '10.0.0.0/8,::1']],
  [{ bareNewline: 'reject', strictPipelining: true }, ['--bare-newline', 'reject', '--strict-pipelining']],
]

for (const [choices, argv, secrets] of pairs) {
  test(`${Object.keys(choices).join(', ')} mean what ${argv.join(' ') || 'nothing'} means`, () => {
    assert.deepEqual(configFromObject(choices, false), settings(argv, secrets))
  })
}

test('every choice is held against the command line here', () => {
  const tried = new Set(pairs.flatMap(([choices]) => Object.keys(choices)))
  const whole = ['listen', 'logFormat', 'workers', 'admin', 'verbose', 'drainTimeoutMs', 'warnings']
  assert.deepEqual(
    [...tried].sort(),
    Object.keys(settings([]))
      .filter(name => !whole.includes(name))
      .sort(),
  )
})
