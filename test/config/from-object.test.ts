import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddressList } from '../../src/auth/index.ts'
import { configFromObject, type ServerConfig } from '../../src/config/index.ts'
import { arn, bcryptHash, settings } from './read.ts'

test('the defaults of an object are those of the command line', () => {
  assert.deepEqual(configFromObject({}, false), settings([]))
})

const identity = arn('example.org')
const tls = { certPath: 'a.pem', keyPath: 'b.pem', passphrase: 'secret' }
const tlsArguments = ['-c', 'a.pem', '-k', 'b.pem']
const tlsSecret = { TLS_KEY_PASS: 'secret' }
const addresses = new AddressList('10.0.0.0/8,::1')

/** An object, and the command line and secrets of the same meaning. */
const pairs: readonly [ServerConfig, readonly string[], Record<string, string>?][] = [
  [{ service: 'Mail' }, ['-n', 'Mail']],
  [{ hostname: 'mx.test' }, ['-h', 'mx.test']],
  [{ tls }, tlsArguments, tlsSecret],
  [{ tls, requireTls: true }, [...tlsArguments, '-s'], tlsSecret],
  [{ relay: 'maildir', maildirPath: 'boxes' }, ['-r', 'maildir', '--maildir', 'boxes']],
  [{ access: { addresses } }, ['-i', '10.0.0.0/8,::1']],
  [{ access: { user: { name: 'user', password: 'p' } } }, ['-u', 'user'], { PASSWORD: 'p' }],
  [
    { access: { user: { name: 'user', bcryptHash } }, allowPlaintextAuth: true },
    ['-u', 'user', '--allow-plaintext-auth'],
    { BCRYPT_HASH: bcryptHash },
  ],
  [{ usersFile: 'users', tls }, ['--users-file', 'users', ...tlsArguments], tlsSecret],
  [{ filters: { allowFrom: 'a', denyTo: 'b', allowTo: 'c' } }, ['-l', 'a', '-d', 'b', '--allow-to', 'c']],
  [{ configurationSet: 'set' }, ['-e', 'set']],
  [
    { sourceArn: identity, fromArn: identity, returnPathArn: identity },
    ['-o', identity, '-f', identity, '-p', identity],
  ],
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
  [{ trustedProxies: addresses }, ['--proxy-protocol', '10.0.0.0/8,::1']],
  [{ bareNewline: 'reject', strictPipelining: true }, ['--bare-newline', 'reject', '--strict-pipelining']],
]

for (const [config, argv, secrets] of pairs) {
  test(`${Object.keys(config).join(', ')} mean the same as ${argv.join(' ') || 'no argument'}`, () => {
    assert.deepEqual(configFromObject(config, false), settings(argv, secrets))
  })
}

test('every property is compared with the command line here', () => {
  const compared = new Set(pairs.flatMap(([config]) => Object.keys(config)))
  const ofPrograms = ['listen', 'logFormat', 'workers', 'admin', 'verbose', 'drainTimeoutMs', 'warnings']
  assert.deepEqual(
    [...compared].sort(),
    Object.keys(settings([]))
      .filter(name => !ofPrograms.includes(name))
      .sort(),
  )
})

test('values stay what they are: an address list is the same object, and a duration is not read as text', () => {
  const config = { access: { addresses }, trustedProxies: addresses, idleTimeoutMs: 1e-6 + 1, sendRate: 1e-7 }
  const { access, trustedProxies, idleTimeoutMs, sendRate } = configFromObject(config, false)
  assert.equal(access.addresses, addresses)
  assert.equal(trustedProxies, addresses)
  assert.deepEqual([idleTimeoutMs, sendRate], [1, 1e-7])
})

test('0 and Infinity both mean no limit of connections per address', () => {
  for (const maxConnectionsPerIp of [0, Number.POSITIVE_INFINITY]) {
    const config = configFromObject({ maxConnectionsPerIp }, false)
    assert.equal(config.maxConnectionsPerIp, Number.POSITIVE_INFINITY)
  }
})

/** What JavaScript code could pass by mistake. */
const wrong: readonly unknown[] = [
  null,
  '',
  'a\0b',
  -1,
  Number.NaN,
  1e12,
  2n,
  Symbol('x'),
  [],
  new Map([['a', 'b']]),
  () => 'x',
]

for (const property of new Set(pairs.flatMap(([config]) => Object.keys(config)))) {
  test(`${property} of a wrong type or out of range is an error that names the property`, () => {
    const errors = wrong.filter(value => {
      try {
        configFromObject({ [property]: value }, false)
        return false
      } catch (error) {
        const { message } = error as Error
        assert.match(message, new RegExp(`^(invalid value .* for )?${property}\\b`))
        assert.doesNotMatch(message, /\p{Cc}/u)
        return true
      }
    })
    // A large number of bytes, recipients or connections is fine.
    assert.ok(errors.length >= wrong.length - 1)
  })
}

test('an unknown property is an error, even if it is undefined: in access it could admit every client', () => {
  for (const [config, path] of [
    [{ acces: undefined }, 'acces'],
    [{ access: { adresses: undefined } }, 'access.adresses'],
    [{ access: { user: { name: 'a', password: 'b', hash: 'c' } } }, 'access.user.hash'],
    [{ tls: { certPath: 'a', keyPath: 'b', ca: 'c' } }, 'tls.ca'],
    [{ toString: 1 }, 'toString'],
    [{ listen: ':25' }, 'listen'],
  ] as const) {
    assert.throws(() => configFromObject(config as object, false), {
      message: `unknown option ${path}`,
    })
  }
})

test('no message contains a secret', () => {
  const secret = 'correct-horse-battery-staple'
  for (const config of [
    { access: { user: { name: 'a', bcryptHash: secret } }, allowPlaintextAuth: true },
    { access: { user: { name: 'a', password: [secret] } } },
    { tls: { certPath: 'a', passphrase: secret } },
    { tls: { certPath: 'a', keyPath: 'b', passphrase: { secret } } },
  ]) {
    assert.throws(
      () => configFromObject(config as unknown as ServerConfig, false),
      error => !(error as Error).message.includes(secret),
    )
  }
})
