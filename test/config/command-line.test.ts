import assert from 'node:assert/strict'
import os from 'node:os'
import { test } from 'node:test'
import fc from 'fast-check'
import { AddressList } from '../../src/auth/index.ts'
import { type Environment, parse, type Settings } from '../../src/config/index.ts'
import { arn, bcryptHash, settings, tls, usage } from './read.ts'

test('without arguments every setting has its default', () => {
  assert.deepEqual(settings([]), {
    listen: [{ host: undefined, port: 1025, implicitTls: false }],
    service: 'AWS SMTP Relay',
    hostname: os.hostname(),
    tls: undefined,
    requireTls: false,
    relay: 'ses',
    maildirPath: './maildir',
    access: {},
    usersFile: undefined,
    allowPlaintextAuth: false,
    filters: { allowFrom: undefined, denyTo: undefined, allowTo: undefined },
    configurationSet: undefined,
    sourceArn: undefined,
    fromArn: undefined,
    returnPathArn: undefined,
    tags: undefined,
    pinpointApplicationId: undefined,
    upstreamConnections: 256,
    upstreamTimeoutMs: 60_000,
    sendRate: undefined,
    maxMessageBytes: undefined,
    maxRecipients: 100,
    maxConnections: 10_000,
    maxConnectionsPerIp: Number.POSITIVE_INFINITY,
    idleTimeoutMs: 300_000,
    dataTimeoutMs: 600_000,
    messageMemoryBytes: 256 * 1024 * 1024,
    maxWaitMs: 20_000,
    trustedProxies: undefined,
    bareNewline: 'normalize',
    strictPipelining: false,
    logFormat: 'auto',
    workers: 1,
    admin: undefined,
    verbose: false,
    drainTimeoutMs: 30_000,
    warnings: [],
  } satisfies Settings)
})

test('every option sets its setting', () => {
  const argv = [
    '-a 127.0.0.1:25,tls://[::1]:465,tls://:466 -n Name -h relay.test -r ses --maildir /tmp/mail',
    '-c a.crt -k a.key -s -t -i 10.0.0.0/8 -u user --users-file users -l @a$ -d ^b@ --allow-to @c$ -e set',
    `-o ${arn('a')} -f ${arn('b')} -p ${arn('c')} --tags a=1,b=2 --upstream-connections 8 --upstream-timeout 5`,
    '--send-rate 1.5 --max-size 1MiB --max-recipients 700 --max-connections 8 --max-connections-per-ip 2 --idle-timeout 1.5 --data-timeout 20',
    '--message-memory 64MiB --max-wait 0 --log-format json --workers 4 --drain-timeout 0 --admin 127.0.0.1:9025 --verbose',
    '--bare-newline reject --strict-pipelining --proxy-protocol 10.0.0.5,10.1.0.0/16 --check',
  ]
  const env = { BCRYPT_HASH: bcryptHash, PASSWORD: 'password', TLS_KEY_PASS: 'test' }
  assert.deepEqual(parse(argv.join(' ').split(' '), env), {
    type: 'settings',
    check: true,
    healthcheck: false,
    settings: {
      listen: [
        { host: '127.0.0.1', port: 25, implicitTls: true },
        { host: '::1', port: 465, implicitTls: true },
        { host: undefined, port: 466, implicitTls: true },
      ],
      service: 'Name',
      hostname: 'relay.test',
      tls: { certPath: 'a.crt', keyPath: 'a.key', passphrase: 'test' },
      requireTls: true,
      relay: 'ses',
      maildirPath: '/tmp/mail',
      access: {
        addresses: new AddressList('10.0.0.0/8'),
        user: { name: 'user', bcryptHash, password: 'password' },
      },
      usersFile: 'users',
      allowPlaintextAuth: false,
      filters: { allowFrom: '@a$', denyTo: '^b@', allowTo: '@c$' },
      configurationSet: 'set',
      sourceArn: arn('a'),
      fromArn: arn('b'),
      returnPathArn: arn('c'),
      tags: { a: '1', b: '2' },
      pinpointApplicationId: undefined,
      upstreamConnections: 8,
      upstreamTimeoutMs: 5000,
      sendRate: 1.5,
      maxMessageBytes: 1024 * 1024,
      maxRecipients: 700,
      maxConnections: 8,
      maxConnectionsPerIp: 2,
      idleTimeoutMs: 1500,
      dataTimeoutMs: 20_000,
      messageMemoryBytes: 64 * 1024 * 1024,
      maxWaitMs: 0,
      trustedProxies: new AddressList('10.0.0.5,10.1.0.0/16'),
      bareNewline: 'reject',
      strictPipelining: true,
      logFormat: 'json',
      workers: 4,
      admin: { host: '127.0.0.1', port: 9025, implicitTls: false },
      verbose: true,
      drainTimeoutMs: 0,
      warnings: [],
    } satisfies Settings,
  })
  assert.equal(settings(['--allow-plaintext-auth']).allowPlaintextAuth, true)
  assert.equal(settings(['-r', 'pinpoint', '--pinpoint-application-id', 'a1']).pinpointApplicationId, 'a1')
})

// The flags of the Go program: the flag, how its setting is read, the default, arguments, and the setting they give.
const secret = { BCRYPT_HASH: bcryptHash, PASSWORD: 'password' }
const port = ({ listen }: Settings) => listen.map(({ host, port }) => [host, port])
for (const [flag, read, fallback, argv, found] of [
  ['-a: TCP listen address', port, [[undefined, 1025]], ['-a', '127.0.0.1:25'], [['127.0.0.1', 25]]],
  ['-n: SMTP service name', (s: Settings) => s.service, 'AWS SMTP Relay', ['-n', 'A b'], 'A b'],
  ['-h: Server hostname', (s: Settings) => s.hostname, os.hostname(), ['-h', 'a.test'], 'a.test'],
  ['-c: TLS cert file', (s: Settings) => s.tls?.certPath, undefined, tls, 'default.crt'],
  ['-k: TLS key file', (s: Settings) => s.tls?.keyPath, undefined, tls, 'default.key'],
  ['-s: Require TLS via STARTTLS', (s: Settings) => s.requireTls, false, ['-s', ...tls], true],
  [
    '-t: Listen for incoming TLS connections only',
    (s: Settings) => s.listen[0]?.implicitTls,
    false,
    ['-t', ...tls],
    true,
  ],
  [
    '-r: Relay API to use',
    (s: Settings) => s.relay,
    'ses',
    ['-r', 'pinpoint', '--pinpoint-application-id', 'a'],
    'pinpoint',
  ],
  [
    '-e: Amazon SES Configuration Set Name',
    (s: Settings) => s.configurationSet,
    undefined,
    ['-e', 'set'],
    'set',
  ],
  [
    '-i: Allowed client IPs',
    (s: Settings) => s.access.addresses?.toString(),
    undefined,
    ['-i', '127.0.0.1,2001:4860:0:2001::68'],
    '127.0.0.1, 2001:4860:0:2001::68',
  ],
  [
    '-u: Authentication username',
    (s: Settings) => s.access.user?.name,
    undefined,
    ['-u', 'username'],
    'username',
  ],
  [
    '-l: Allowed sender emails regular expression',
    (s: Settings) => s.filters.allowFrom,
    undefined,
    ['-l', '@example\\.org$'],
    '@example\\.org$',
  ],
  [
    '-d: Denied recipient emails regular expression',
    (s: Settings) => s.filters.denyTo,
    undefined,
    ['-d', 'admin@example\\.org$'],
    'admin@example\\.org$',
  ],
] as const) {
  test(`the Go program's flag ${flag}`, () => {
    assert.deepEqual(read(settings([])), fallback)
    assert.deepEqual(read(settings(argv, secret)), found)
  })
}

test('a flag has one dash or two, and its value follows after a space or an equals sign', () => {
  for (const dashes of ['-', '--']) {
    for (const name of ['n', 'name']) {
      assert.equal(settings([`${dashes}${name}`, 'value']).service, 'value')
      assert.equal(settings([`${dashes}${name}=value`]).service, 'value')
      assert.equal(settings([`${dashes}${name}=a=b`]).service, 'a=b')
    }
  }
})

test('a boolean takes the words of Go after an equals sign', () => {
  assert.equal(settings(['-s', ...tls]).requireTls, true)
  for (const word of ['1', 't', 'T', 'true', 'TRUE', 'True']) {
    assert.equal(settings([`-s=${word}`, ...tls]).requireTls, true)
    assert.equal(settings([`--require-starttls=${word}`, ...tls]).requireTls, true)
  }
  for (const word of ['0', 'f', 'F', 'false', 'FALSE', 'False']) {
    assert.equal(settings([`-s=${word}`]).requireTls, false)
  }
  for (const word of ['x', '', 'yes', 'tRUE']) {
    assert.equal(usage([`-s=${word}`]), `invalid boolean value "${word}" for -s: parse error`)
  }
})

test('a value may begin with a dash, or be a dash', () => {
  assert.equal(settings(['-n', '-x']).service, '-x')
  assert.equal(settings(['-n', '--']).service, '--')
  assert.equal(settings(['-n', '--help']).service, '--help')
  assert.equal(settings(['-n', '-']).service, '-')
  assert.equal(settings(['-n=-s']).service, '-s')
})

test('a text that looks like a number stays a text', () => {
  assert.equal(settings(['-n', '0x10']).service, '0x10')
  assert.equal(settings(['-n', '007']).service, '007')
  assert.equal(settings(['-n', 'false']).service, 'false')
})

test('the last of repeated options wins, whether its name is short or long', () => {
  assert.equal(settings(['-n', 'a', '--name', 'b', '-n=c']).service, 'c')
  assert.equal(settings(['--name', 'a', '-n', 'b', '-name=c']).service, 'c')
  assert.equal(settings(['-s', '-s=false']).requireTls, false)
})

test('the first error on the command line is the one that is reported, as by Go', () => {
  assert.match(usage(['--max-size', 'x', '-y']), /^invalid value "x" for flag -max-size: /)
  assert.match(usage(['--max-size', 'x', 'y']), /^invalid value "x" for flag -max-size: /)
  assert.match(usage(['--max-size', 'x', '-a']), /^invalid value "x" for flag -max-size: /)
  assert.equal(usage(['-y', '--max-size', 'x']), 'flag provided but not defined: -y')
  assert.equal(usage(['-r', 'smtp', '-y']), 'flag provided but not defined: -y')
})

test('every value of a repeated option has to be valid, and the message has the name that was used', () => {
  assert.match(usage(['--hostname', 'a b', '-h', 'c']), /^invalid value "a b" for flag -hostname: /)
  assert.match(usage(['--hostname', 'c', '-h', 'a b']), /^invalid value "a b" for flag -h: /)
})

test('letters cannot be combined', () => {
  assert.equal(usage(['-st']), 'flag provided but not defined: -st')
  assert.equal(usage(['-a:25']), 'flag provided but not defined: -a:25')
})

test('an unknown option is an error in the words of Go', () => {
  assert.equal(usage(['-x']), 'flag provided but not defined: -x')
  assert.equal(usage(['--x=1']), 'flag provided but not defined: -x')
  assert.equal(usage(['--no-tls-only']), 'flag provided but not defined: -no-tls-only')
  assert.equal(usage(['--Help']), 'flag provided but not defined: -Help')
})

test('property names that every object inherits are unknown options', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '_', 'a.b', '__proto__.x']) {
    assert.equal(usage([`--${name}`, 'x']), `flag provided but not defined: -${name}`)
    assert.equal(usage([`--${name}=x`]), `flag provided but not defined: -${name}`)
  }
  assert.equal(({} as Record<string, unknown>).x, undefined)
})

test('a missing value is an error in the words of Go', () => {
  assert.equal(usage(['-a']), 'flag needs an argument: -a')
  assert.equal(usage(['--max-size']), 'flag needs an argument: -max-size')
  assert.equal(usage(['-h']), 'flag needs an argument: -h')
})

test('bad syntax is an error in the words of Go', () => {
  for (const arg of ['-=x', '--=x', '---x', '---', '-='])
    assert.equal(usage([arg]), `bad flag syntax: ${arg}`)
})

test('an argument that is not an option is an error, and not ignored with everything after it', () => {
  assert.equal(usage(['-s', 'false', '-t']), 'unexpected argument: false')
  assert.equal(usage(['']), 'unexpected argument: ')
  assert.equal(usage(['-']), 'unexpected argument: -')
  assert.equal(usage(['--', '-t']), 'unexpected argument: -t')
  assert.equal(settings(['-n', 'a', '--']).service, 'a')
})

test('--help and --version win over everything after them, not over errors before them', () => {
  assert.deepEqual(parse(['--help'], {}), { type: 'help' })
  assert.deepEqual(parse(['-help'], {}), { type: 'help' })
  assert.deepEqual(parse(['-n', 'a', '--help', '-x'], {}), { type: 'help' })
  assert.deepEqual(parse(['-r', 'smtp', '-s', '--help'], {}), { type: 'help' })
  assert.deepEqual(parse(['--version'], {}), { type: 'version' })
  assert.equal(usage(['-x', '--help']), 'flag provided but not defined: -x')
  assert.equal(usage(['-s=x', '--help']), 'invalid boolean value "x" for -s: parse error')
})

test('-h is the hostname', () => {
  assert.equal(settings(['-h', 'relay.test']).hostname, 'relay.test')
  assert.equal(settings(['--h=[192.0.2.1]']).hostname, '[192.0.2.1]')
  // An operator who means --help must not start a server of that name.
  assert.match(usage(['-h', '--check']), /^invalid value "--check" for flag -h: must be a domain/)
  assert.match(usage(['-h', 'relay test']), /^invalid value "relay test" for flag -h: must be a domain/)
})

test('an empty value means the default', () => {
  const argv =
    'a n h c k r e i u l d o f p maildir users-file tags max-size send-rate message-memory max-wait'
      .split(' ')
      .map(name => `-${name}`)
  assert.deepEqual(settings(argv.flatMap(name => [name, ''])), settings([]))
  assert.deepEqual(settings(argv.map(name => `${name}=`)), settings([]))
})

test('the message about an invalid value names the flag as it was written', () => {
  for (const [argv, message] of [
    [['--max-size', '1e3'], 'invalid value "1e3" for flag -max-size: must be a number of bytes'],
    [['--message-memory', '1GB'], 'invalid value "1GB" for flag -message-memory: must be a number of bytes'],
    [['--max-size', '0'], 'invalid value "0" for flag -max-size: must be a number of bytes'],
    [['--max-size', '9999999999GiB'], 'invalid value "9999999999GiB" for flag -max-size: must be'],
    [
      ['--max-recipients', '0'],
      'invalid value "0" for flag -max-recipients: must be a whole number, at least 1',
    ],
    [['--max-recipients', '1.5'], 'invalid value "1.5" for flag -max-recipients: must be a whole number'],
    [['--idle-timeout', '0'], 'invalid value "0" for flag -idle-timeout: must be a number of seconds'],
    [['--idle-timeout', '-1'], 'invalid value "-1" for flag -idle-timeout: must be a number of seconds'],
    [['--data-timeout', '5m'], 'invalid value "5m" for flag -data-timeout: must be a number of seconds'],
    [
      ['--drain-timeout', '9999999'],
      'invalid value "9999999" for flag -drain-timeout: must be a number of seconds',
    ],
    [['--bare-newline', 'x'], 'invalid value "x" for flag -bare-newline: must be normalize or reject'],
    [['-n', 'a\nb'], 'invalid value "a\\nb" for flag -n: must not contain control characters'],
    [['--max-size', 'x', '--max-size', '5'], 'invalid value "x" for flag -max-size: must be'],
  ] as const) {
    assert.equal(usage(argv).slice(0, message.length), message)
  }
})

test('--check is a way to start, not a setting', () => {
  const check = (argv: readonly string[], env: Environment = {}) => {
    const parsed = parse(argv, env)
    return parsed.type === 'settings' ? parsed.check : parsed.type
  }
  assert.deepEqual([check([]), check(['--check']), check(['--check=false'])], [false, true, false])
  assert.equal(check(['--check', '-s']), 'error')
  assert.equal(check([], { SMTP_RELAY_CHECK: 'true' }), true)
})

test('--healthcheck is a way to start, not a setting', () => {
  const health = (argv: readonly string[]) => {
    const parsed = parse(argv, {})
    return parsed.type === 'settings' ? parsed.healthcheck : parsed.type
  }
  assert.deepEqual(
    [health([]), health(['--healthcheck']), health(['--healthcheck=false'])],
    [false, true, false],
  )
  assert.equal(health(['--healthcheck', '-s']), 'error')
})

const words = fc.oneof(
  fc.constantFrom(
    '-',
    '--',
    '-a',
    '-s',
    '-t',
    '-h',
    '-u',
    '-r',
    '--max-size',
    '--__proto__',
    '-s=',
    '--listen=',
    ':25',
  ),
  fc.constantFrom(
    '--idle-timeout',
    '--bare-newline=reject',
    '-i',
    '::ffff:0:0/96',
    '--tags',
    'a=b',
    '--send-rate=auto',
    '-o',
    '--check',
    '--help',
    '--version',
    'true',
    '',
    '-=',
    '-c',
    '-k',
    'tls://:1',
  ),
  fc.string(),
  fc.string({ unit: 'binary' }).map(text => `--${text}`),
)

test('no command line and no environment makes parse throw, and every message is one line', () => {
  const values = fc.oneof(fc.string(), fc.string({ unit: 'binary' }))
  const env = fc.record(
    {
      SMTP_RELAY_LISTEN: values,
      SMTP_RELAY_HOSTNAME: values,
      SMTP_RELAY_MAX_SIZE: values,
      SMTP_RELAY_USER: values,
      SMTP_RELAY_ALLOW_IPS: values,
      SMTP_RELAY_TAGS: values,
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.array(words, { maxLength: 6 }), env, (argv, env) => {
      const parsed = parse(argv, env)
      assert.ok(['settings', 'help', 'version', 'usage', 'error'].includes(parsed.type))
      if ('message' in parsed) assert.doesNotMatch(parsed.message, /\p{Cc}/u)
    }),
    { numRuns: 2000 },
  )
})

test('no message contains a secret', () => {
  const secret = 'correct-horse-battery-staple'
  const env = { BCRYPT_HASH: secret, PASSWORD: secret, TLS_KEY_PASS: secret }
  fc.assert(
    fc.property(fc.array(words, { maxLength: 6 }), argv => {
      const parsed = parse(argv, env)
      const said =
        'message' in parsed ? [parsed.message] : 'settings' in parsed ? parsed.settings.warnings : []
      assert.equal(said.join().includes(secret), false)
    }),
  )
})
