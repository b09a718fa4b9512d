import assert from 'node:assert/strict'
import os from 'node:os'
import { test } from 'node:test'
import fc from 'fast-check'
import { AddressList } from '../src/auth/index.ts'
import { type Environment, helpTable, helpText, parse, type Settings } from '../src/config/index.ts'

const bcryptHash = '$2y$10$85/eICRuwBwutrou64G5HeoF3Ek/qf1YKPLba7ckiMxUTAeLIeyaC'
const tls = ['-c', 'default.crt', '-k', 'default.key']

function settings(argv: readonly string[], env: Environment = {}): Settings {
  const parsed = parse(argv, env)
  if (parsed.type !== 'settings') assert.fail(JSON.stringify(parsed))
  return parsed.settings
}

function warnings(argv: readonly string[], env: Environment = {}): readonly string[] {
  return settings(argv, env).warnings
}

function usage(argv: readonly string[], env: Environment = {}): string {
  const parsed = parse(argv, env)
  if (parsed.type !== 'usage') assert.fail(JSON.stringify(parsed))
  return parsed.message
}

function conflict(argv: readonly string[], env: Environment = {}): string {
  const parsed = parse(argv, env)
  if (parsed.type !== 'conflict') assert.fail(JSON.stringify(parsed))
  return parsed.message
}

test('without arguments the defaults hold', () => {
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

const arn = (name: string) => `arn:aws:ses:eu-west-1:123456789012:identity/${name}`

test('every option has its setting', () => {
  const argv = [
    '-a 127.0.0.1:25,tls://[::1]:465,tls://:466 -n Name -h relay.test -r ses --maildir /tmp/mail',
    '-c a.crt -k a.key -s -t -i 10.0.0.0/8 -u user --users users -l @a$ -d ^b@ --allow-to @c$ -e set',
    `-o ${arn('a')} -f ${arn('b')} -p ${arn('c')} --tags a=1,b=2 --upstream-connections 8 --upstream-timeout 5`,
    '--send-rate 1.5 --max-size 1MiB --max-recipients 700 --max-connections 8 --max-connections-per-ip 2 --idle-timeout 1.5 --data-timeout 20',
    '--memory 64MiB --patience 0 --log json --workers 4 --drain-timeout 0 --admin 127.0.0.1:9025 --verbose',
    '--bare-newline reject --strict-pipelining --proxy-protocol 10.0.0.5,10.1.0.0/16 --check',
  ]
  const env = { BCRYPT_HASH: bcryptHash, PASSWORD: 'password', TLS_KEY_PASS: 'test' }
  assert.deepEqual(parse(argv.join(' ').split(' '), env), {
    type: 'settings',
    check: true,
    health: false,
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

// The flags of the Go program: name, what stands for it if it is not given, a value and what becomes of it.
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
  test(`the flag of the Go program ${flag}`, () => {
    assert.deepEqual(read(settings([])), fallback)
    assert.deepEqual(read(settings(argv, secret)), found)
  })
}

test('names take one dash or two, values a space or an equals sign', () => {
  for (const dashes of ['-', '--']) {
    for (const name of ['n', 'name']) {
      assert.equal(settings([`${dashes}${name}`, 'value']).service, 'value')
      assert.equal(settings([`${dashes}${name}=value`]).service, 'value')
      assert.equal(settings([`${dashes}${name}=a=b`]).service, 'a=b')
    }
  }
})

test('a boolean takes the words of Go behind an equals sign', () => {
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

test('a value may begin with a dash, or be one', () => {
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

test('the last of repeated options wins, whichever name it has', () => {
  assert.equal(settings(['-n', 'a', '--name', 'b', '-n=c']).service, 'c')
  assert.equal(settings(['--name', 'a', '-n', 'b', '-name=c']).service, 'c')
  assert.equal(settings(['-s', '-s=false']).requireTls, false)
})

test('letters are not grouped', () => {
  assert.equal(usage(['-st']), 'flag provided but not defined: -st')
  assert.equal(usage(['-a:25']), 'flag provided but not defined: -a:25')
})

test('unknown options are refused in the words of Go', () => {
  assert.equal(usage(['-x']), 'flag provided but not defined: -x')
  assert.equal(usage(['--x=1']), 'flag provided but not defined: -x')
  assert.equal(usage(['--no-tls-only']), 'flag provided but not defined: -no-tls-only')
  assert.equal(usage(['--Help']), 'flag provided but not defined: -Help')
})

test('names that every object has are unknown options', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '_', 'a.b', '__proto__.x']) {
    assert.equal(usage([`--${name}`, 'x']), `flag provided but not defined: -${name}`)
    assert.equal(usage([`--${name}=x`]), `flag provided but not defined: -${name}`)
  }
  assert.equal(({} as Record<string, unknown>).x, undefined)
})

test('a value that is missing is an error in the words of Go', () => {
  assert.equal(usage(['-a']), 'flag needs an argument: -a')
  assert.equal(usage(['--max-size']), 'flag needs an argument: -max-size')
  assert.equal(usage(['-h']), 'flag needs an argument: -h')
})

test('bad syntax is refused in the words of Go', () => {
  for (const arg of ['-=x', '--=x', '---x', '---', '-='])
    assert.equal(usage([arg]), `bad flag syntax: ${arg}`)
})

test('an argument that is no option is refused, not ignored with all that follows', () => {
  assert.equal(usage(['-s', 'false', '-t']), 'unexpected argument: false')
  assert.equal(usage(['']), 'unexpected argument: ')
  assert.equal(usage(['-']), 'unexpected argument: -')
  assert.equal(usage(['--', '-t']), 'unexpected argument: -t')
  assert.equal(settings(['-n', 'a', '--']).service, 'a')
})

test('help and version are obeyed where they stand', () => {
  assert.deepEqual(parse(['--help'], {}), { type: 'help' })
  assert.deepEqual(parse(['-help'], {}), { type: 'help' })
  assert.deepEqual(parse(['-n', 'a', '--help', '-x'], {}), { type: 'help' })
  assert.deepEqual(parse(['-r', 'smtp', '-s', '--help'], {}), { type: 'help' })
  assert.deepEqual(parse(['--version'], {}), { type: 'version' })
  assert.equal(usage(['-x', '--help']), 'flag provided but not defined: -x')
  assert.equal(usage(['-s=x', '--help']), 'invalid boolean value "x" for -s: parse error')
})

test('h is the hostname', () => {
  assert.equal(settings(['-h', 'relay.test']).hostname, 'relay.test')
  assert.equal(settings(['--h=[192.0.2.1]']).hostname, '[192.0.2.1]')
  // Who asks for the help in this way would start a server of that name.
  assert.match(usage(['-h', '--check']), /^invalid value "--check" for flag -h: not a domain/)
  assert.match(usage(['-h', 'relay test']), /^invalid value "relay test" for flag -h: not a domain/)
})

test('an empty value means the default', () => {
  const argv = 'a n h c k r e i u l d o f p maildir users tags max-size send-rate memory patience'
    .split(' ')
    .map(name => `-${name}`)
  assert.deepEqual(settings(argv.flatMap(name => [name, ''])), settings([]))
  assert.deepEqual(settings(argv.map(name => `${name}=`)), settings([]))
})

test('a variable stands in for an option, and the option wins', () => {
  const env = { SMTP_RELAY_LISTEN: ':25', SMTP_RELAY_MAX_SIZE: '2KiB', SMTP_RELAY_REQUIRE_STARTTLS: 'false' }
  assert.equal(settings([], env).listen[0]?.port, 25)
  assert.equal(settings([], env).maxMessageBytes, 2048)
  assert.equal(settings(['--max-size', '5'], env).maxMessageBytes, 5)
  assert.equal(settings(['-a', ''], env).listen[0]?.port, 1025)
  assert.equal(settings(['-s', ...tls], env).requireTls, true)
  assert.equal(settings(tls, { SMTP_RELAY_REQUIRE_STARTTLS: '1' }).requireTls, true)
})

test('an empty variable counts as unset, booleans included', () => {
  const env = {
    SMTP_RELAY_LISTEN: '',
    SMTP_RELAY_TLS_ONLY: '',
    TLS_KEY_PASS: '',
    BCRYPT_HASH: '',
    PASSWORD: '',
  }
  assert.deepEqual(settings([], env), settings([]))
  assert.equal(settings(tls, env).tls?.passphrase, undefined)
})

test('the variables that Kubernetes sets for a service called smtp-relay change nothing', () => {
  const env = {
    SMTP_RELAY_SERVICE_HOST: '10.0.0.1',
    SMTP_RELAY_SERVICE_PORT: '25',
    SMTP_RELAY_PORT: 'tcp://10.0.0.1:25',
    SMTP_RELAY_PORT_25_TCP: 'tcp://10.0.0.1:25',
    SMTP_RELAY_PORT_25_TCP_PROTO: 'tcp',
    SMTP_RELAY_SERVICE_PORT_SMTP: '25',
    SMTP_RELAY_INTERNAL_SERVICE_HOST: '10.0.0.2',
    SMTP_RELAY_INTERNAL_PORT_8443_TCP_ADDR: '10.0.0.2',
  }
  assert.deepEqual(settings([], env), settings([]))
})

test('a variable that was misspelt is warned of, for it may have been meant to keep somebody out', () => {
  const env = {
    SMTP_RELAY_ALLOW_IP: '10.0.0.0/8',
    SMTP_RELAY_VERSION: '1',
    SMTP_RELAY_: 'x',
    SMTP_RELAYS: 'x',
  }
  const told = (name: string) => `${name} is set, and is the variable of no option`
  assert.deepEqual(warnings([], env), ['SMTP_RELAY_ALLOW_IP', 'SMTP_RELAY_VERSION', 'SMTP_RELAY_'].map(told))
  assert.deepEqual(settings([], env), { ...settings([]), warnings: warnings([], env) })
  assert.deepEqual(warnings([], { SMTP_RELAY_ALLOW_IP: '', SMTP_RELAY_MAX_SIZE: '1MiB' }), [])
  assert.deepEqual(warnings([], { 'SMTP_RELAY_\x1b[2J': 'x' }), [told('SMTP_RELAY_?[2J')])
})

test('the message about a bad variable names it', () => {
  assert.match(usage([], { SMTP_RELAY_MAX_SIZE: 'big' }), /^invalid value "big" for SMTP_RELAY_MAX_SIZE: /)
  assert.equal(
    usage([], { SMTP_RELAY_TLS_ONLY: 'x' }),
    'invalid boolean value "x" for SMTP_RELAY_TLS_ONLY: parse error',
  )
  assert.equal(conflict([], { SMTP_RELAY_RELAY: 'smtp' }), 'Invalid relay API: smtp (SMTP_RELAY_RELAY)')
  assert.equal(settings(['--max-size', '5'], { SMTP_RELAY_MAX_SIZE: 'big' }).maxMessageBytes, 5)
})

test('bad values name the option as it was written', () => {
  for (const [argv, message] of [
    [['--max-size', '1e3'], 'invalid value "1e3" for flag -max-size: must be a number of bytes'],
    [['--memory', '1GB'], 'invalid value "1GB" for flag -memory: must be a number of bytes'],
    [['--max-size', '0'], 'invalid value "0" for flag -max-size: must be a number of bytes'],
    [['--max-size', '9999999999GiB'], 'invalid value "9999999999GiB" for flag -max-size: must be'],
    [
      ['--max-recipients', '0'],
      'invalid value "0" for flag -max-recipients: must be a whole number, at least 1',
    ],
    [['--max-recipients', '1.5'], 'invalid value "1.5" for flag -max-recipients: must be a whole number'],
    [['--idle-timeout', '0'], 'invalid value "0" for flag -idle-timeout: must be seconds'],
    [['--idle-timeout', '-1'], 'invalid value "-1" for flag -idle-timeout: must be seconds'],
    [['--data-timeout', '5m'], 'invalid value "5m" for flag -data-timeout: must be seconds'],
    [['--drain-timeout', '9999999'], 'invalid value "9999999" for flag -drain-timeout: must be seconds'],
    [['--bare-newline', 'x'], 'invalid value "x" for flag -bare-newline: must be normalize or reject'],
    [['-n', 'a\nb'], 'invalid value "a\\nb" for flag -n: control characters'],
    [['--max-size', 'x', '--max-size', '5'], 'invalid value "x" for flag -max-size: must be'],
  ] as const) {
    assert.equal(usage(argv).slice(0, message.length), message)
  }
})

test('addresses have a host, an IPv6 host in brackets, or none', () => {
  const listen = (text: string) =>
    settings(['-a', text, ...tls]).listen.map(({ host, port, implicitTls }) => [host, port, implicitTls])
  assert.deepEqual(listen(':0'), [[undefined, 0, false]])
  assert.deepEqual(listen('localhost:65535'), [['localhost', 65_535, false]])
  assert.deepEqual(listen('[::]:25'), [['::', 25, false]])
  assert.deepEqual(listen('[fe80::1%eth0]:25'), [['fe80::1%eth0', 25, false]])
  assert.deepEqual(listen(':25, tls://0.0.0.0:465'), [
    [undefined, 25, false],
    ['0.0.0.0', 465, true],
  ])
  assert.deepEqual(
    settings(['-t', '-a', ':25,tls://:465', ...tls]).listen.map(address => address.implicitTls),
    [true, true],
  )
})

test('bad addresses are refused in the words of Go', () => {
  for (const [address, what] of [
    ['foo', 'missing port in address'],
    ['25', 'missing port in address'],
    ['foo:', 'missing port in address'],
    ['[::1]', 'missing port in address'],
    ['::1:25', 'too many colons in address'],
    ['::1', 'too many colons in address'],
    [':65536', 'invalid port'],
    [':smtp', 'invalid port'],
    [':-1', 'invalid port'],
    ['[::1:25', 'too many colons in address'],
    ['a b:25', 'invalid host'],
    ['a]:25', 'invalid host'],
  ] as const) {
    assert.equal(conflict(['-a', address]), `listen tcp: address ${address}: ${what}`)
  }
  assert.equal(conflict(['-a', ':25,']), 'listen tcp: address : missing port in address')
  assert.equal(conflict(['-a', 'tls://foo']), 'listen tcp: address foo: missing port in address')
  assert.equal(conflict(['-a', 'tcp://:25']), 'listen tcp: address tcp://:25: too many colons in address')
})

test('another relay is refused in the words of the Go program', () => {
  assert.equal(conflict(['-r', 'smtp']), 'Invalid relay API: smtp')
  assert.equal(conflict(['-r', 'SES']), 'Invalid relay API: SES')
  assert.equal(conflict(['-r', 'constructor']), 'Invalid relay API: constructor')
})

test('certificate and key go together', () => {
  assert.equal(conflict(['-c', 'a']), '-c/--tls-cert needs -k/--tls-key')
  assert.equal(conflict(['-k', 'a']), '-k/--tls-key needs -c/--tls-cert')
  assert.deepEqual(settings(tls, { TLS_KEY_PASS: 'test' }).tls, {
    certPath: 'default.crt',
    keyPath: 'default.key',
    passphrase: 'test',
  })
})

test('whatever asks for TLS needs certificate and key', () => {
  const needs = 'needs -c/--tls-cert and -k/--tls-key'
  assert.equal(conflict(['-s']), `-s/--require-starttls ${needs}`)
  assert.equal(conflict(['-t']), `-t/--tls-only ${needs}`)
  assert.equal(conflict(['-a', ':25,tls://:465']), `tls:// in -a/--listen ${needs}`)
  assert.equal(settings(['-s', '-t', ...tls]).requireTls, true)
})

test('a user needs a secret', () => {
  assert.equal(conflict(['-u', 'user']), '-u/--user needs a secret: set BCRYPT_HASH or PASSWORD')
  assert.equal(conflict(['-u', 'user'], { PASSWORD: '' }), conflict(['-u', 'user']))
  assert.deepEqual(settings(['-u', 'user'], { PASSWORD: 'password' }).access, {
    user: { name: 'user', bcryptHash: undefined, password: 'password' },
  })
})

test('secrets without a user change nothing, and are warned of', () => {
  const env = { PASSWORD: 'password', BCRYPT_HASH: 'x' }
  assert.deepEqual(settings([], env).access, {})
  assert.deepEqual(warnings([], env), ['BCRYPT_HASH and PASSWORD are not used without -u/--user'])
  assert.deepEqual(warnings([], { PASSWORD: 'password' }), ['PASSWORD is not used without -u/--user'])
  assert.deepEqual(warnings(['--users', 'users', ...tls], { BCRYPT_HASH: 'x' }), [
    'BCRYPT_HASH is not used without -u/--user',
  ])
  assert.deepEqual(warnings(['-u', 'user'], { PASSWORD: 'password' }), [])
})

test('users of a file need TLS or the leave to do without', () => {
  const message =
    '--users allows LOGIN and PLAIN only, and these need TLS: ' +
    'give -c/--tls-cert and -k/--tls-key, or --allow-plaintext-auth'
  assert.equal(conflict(['--users', 'users']), message)
  assert.equal(conflict(['--users', 'users', '-u', 'user'], { PASSWORD: 'password' }), message)
  assert.equal(settings(['--users', 'users', ...tls]).usersFile, 'users')
  assert.equal(settings(['--users', 'users', '--allow-plaintext-auth']).usersFile, 'users')
})

test('leave to do without TLS where TLS is required is warned of', () => {
  const argv = ['-u', 'user', '--allow-plaintext-auth', ...tls]
  const warned = ['--allow-plaintext-auth changes nothing where TLS is required']
  assert.deepEqual(warnings([...argv, '-s'], { PASSWORD: 'x' }), warned)
  assert.deepEqual(warnings([...argv, '-t'], { PASSWORD: 'x' }), warned)
  assert.deepEqual(warnings([...argv, '-a', 'tls://:465'], { PASSWORD: 'x' }), warned)
  assert.deepEqual(warnings([...argv, '-a', 'tls://:465,:25'], { PASSWORD: 'x' }), [])
})

test('limits below what every client may count on are warned of', () => {
  assert.deepEqual(warnings(['--max-recipients', '100', '--max-size', '64KiB']), [])
  assert.deepEqual(warnings(['--max-recipients', '99', '--max-size', '65535']), [
    '--max-recipients is less than the 100 that every client may count on (RFC 5321)',
    '--max-size is less than the 64KiB that every client may count on (RFC 5321)',
  ])
})

test('an address list is read, and what is wrong with it is said', () => {
  const { addresses } = settings(['-i', '127.0.0.1, 10.0.0.0/8,::ffff:192.0.2.1']).access
  assert.deepEqual(
    ['127.0.0.1', '10.9.9.9', '192.0.2.1', '192.0.2.2'].map(address => addresses?.has(address)),
    [true, true, true, false],
  )
  assert.equal(
    usage(['-i', '127.0.0.1,10.0.0.5/8']),
    'invalid value "127.0.0.1,10.0.0.5/8" for flag -i: "10.0.0.5/8" has bits set after its prefix: ' +
      'write 10.0.0.0/8 for the block, or leave out the prefix length',
  )
  assert.match(
    usage([], { SMTP_RELAY_ALLOW_IPS: 'localhost' }),
    /for SMTP_RELAY_ALLOW_IPS: "localhost" is neither/,
  )
  assert.match(usage(['-i', ',']), /for flag -i: contains no address$/)
})

test('expressions are passed on as they are written, malformed ones too', () => {
  const { filters } = settings(['-l', '(', '-d', '(?i)@B$', '--allow-to', '\\'])
  assert.deepEqual(filters, { allowFrom: '(', denyTo: '(?i)@B$', allowTo: '\\' })
})

test('ARNs are passed on as they are given; what is left out is for the backend to know', () => {
  const arns = (argv: readonly string[]) => {
    const { sourceArn, fromArn, returnPathArn } = settings(argv)
    return [sourceArn, fromArn, returnPathArn]
  }
  assert.deepEqual(arns(['-o', arn('a')]), [arn('a'), undefined, undefined])
  assert.deepEqual(arns(['--source-arn', arn('a'), '--from-arn', arn('b')]), [arn('a'), arn('b'), undefined])
  assert.deepEqual(arns(['-p', arn('c')]), [undefined, undefined, arn('c')])
})

test('an ARN that is not that of an SES identity is refused', () => {
  for (const text of [
    'x',
    'arn:aws:ses:eu-west-1:123456789012:configuration-set/a',
    'arn:aws:iam::123456789012:role/a',
    'arn:aws:ses:eu-west-1:12345678901:identity/a',
    `${arn('a')} `,
    arn(''),
  ]) {
    assert.match(usage(['-o', text]), /^invalid value ".*" for flag -o: must be like arn:aws:ses:/)
  }
  for (const text of [
    'arn:aws-cn:ses:cn-north-1:123456789012:identity/example.org',
    'arn:aws-us-gov:ses:us-gov-west-1:123456789012:identity/a+b@example.org',
  ]) {
    assert.equal(settings(['-f', text]).fromArn, text)
  }
})

test('tags are names and values', () => {
  const { tags } = settings(['--tags', 'team=a-1, Env=prod_2,__proto__=x'])
  assert.deepEqual(Object.entries(tags ?? {}), [
    ['team', 'a-1'],
    ['Env', 'prod_2'],
    ['__proto__', 'x'],
  ])
  for (const text of ['a', 'a=', '=b', 'a=b,', 'a=b=c', 'ä=b', 'a=b c', 'a:b=c', `a=${'x'.repeat(257)}`]) {
    assert.match(usage(['--tags', text]), /for flag -tags: must be name=value,name=value with at most 256 /)
  }
  assert.match(usage(['--tags', 'a=b,a=c']), /for flag -tags: the name a may be given once only$/)
  assert.equal(settings(['--tags', `a=${'x'.repeat(256)}`]).tags?.a?.length, 256)
})

test('the name of a configuration set has at most 64 letters, digits, dashes and underscores', () => {
  assert.equal(settings(['-e', 'a_B-9'.repeat(12)]).configurationSet?.length, 60)
  for (const text of ['a b', 'a.b', 'ä', 'x'.repeat(65)]) {
    assert.match(usage(['-e', text]), /for flag -e: must be at most 64 letters, digits, dashes and/)
  }
})

test('the send rate is a number, none, or what the account may send', () => {
  const rate = (text: string) => settings(['--send-rate', text]).sendRate
  assert.deepEqual(['0', '0.0', '0.5', '14', 'auto', ''].map(rate), [
    undefined,
    undefined,
    0.5,
    14,
    'auto',
    undefined,
  ])
  for (const text of ['-1', 'fast', '1e3', 'Infinity', '.5', 'AUTO', '1/s']) {
    assert.match(
      usage(['--send-rate', text]),
      /for flag -send-rate: must be a number, 0 for no limit, or auto$/,
    )
  }
})

const pinpoint = ['-r', 'pinpoint', '--pinpoint-application-id', '0123456789abcdef0123456789abcdef']
const pinpointEnded = 'AWS ended Amazon Pinpoint on 30 October 2026; -r ses or -r sesv2 takes its place'

test('every relay is known', () => {
  for (const relay of ['ses', 'sesv2', 'maildir', 'discard']) {
    assert.deepEqual([settings(['-r', relay]).relay, warnings(['-r', relay])], [relay, []])
  }
})

test('pinpoint needs an application, and is warned of', () => {
  assert.equal(conflict(['-r', 'pinpoint']), '-r pinpoint needs --pinpoint-application-id')
  assert.deepEqual(warnings(pinpoint), [pinpointEnded])
  for (const id of ['a/b', 'a b', '../x', 'x'.repeat(65)]) {
    assert.match(usage(['--pinpoint-application-id', id]), /for flag -pinpoint-application-id: must be like/)
  }
})

test('what would change the mail and pinpoint cannot do is refused; -e, which the Go program took, is warned of', () => {
  assert.equal(
    conflict([...pinpoint, '-o', arn('a'), '--tags', 'a=b']),
    '-r pinpoint cannot send with -o/--source-arn, --tags: -r ses can',
  )
  assert.equal(conflict([...pinpoint, '--send-rate', 'auto']), '--send-rate auto needs -r ses or -r sesv2')
  assert.deepEqual(warnings([...pinpoint, '--send-rate', '5', '-e', 'set']), [
    '-r pinpoint does not use -e/--configuration-set',
    pinpointEnded,
  ])
})

test('what a relay to try things with does not use is warned of', () => {
  const argv = ['-e', 'set', '-o', arn('a'), '--tags', 'a=b', '--send-rate', '5']
  for (const relay of ['maildir', 'discard']) {
    assert.deepEqual(warnings(['-r', relay, ...argv]), [
      `-r ${relay} does not use -e/--configuration-set, -o/--source-arn, --tags, --send-rate`,
    ])
    assert.equal(conflict(['-r', relay, '--send-rate', 'auto']), '--send-rate auto needs -r ses or -r sesv2')
  }
  for (const relay of ['ses', 'sesv2']) {
    assert.deepEqual(warnings(['-r', relay, ...argv]), [])
    assert.deepEqual(warnings(['-r', relay, '--pinpoint-application-id', 'a']), [
      `-r ${relay} does not use --pinpoint-application-id`,
    ])
  }
})

test('sesv2 has one ARN where ses has two', () => {
  const message =
    '-r sesv2 has one ARN for the source and the From header: ' +
    '-o/--source-arn and -f/--from-arn must be the same'
  assert.equal(conflict(['-r', 'sesv2', '-o', arn('a'), '-f', arn('b')]), message)
  for (const argv of [
    ['-o', arn('a'), '-p', arn('b')],
    ['-f', arn('a')],
    ['-o', arn('a'), '-f', arn('a')],
  ]) {
    const { sourceArn, fromArn } = settings(['-r', 'sesv2', ...argv])
    assert.equal(fromArn ?? sourceArn, arn('a'))
  }
})

test('workers are a number or one for each CPU, and none of them is left without a share', () => {
  const count = (...argv: readonly string[]) => settings(['--workers', ...argv]).workers
  assert.deepEqual([count(''), count('1'), count('8'), count('64')], [1, 1, 8, 64])
  assert.equal(count('auto'), Math.min(64, os.availableParallelism()))
  assert.equal(count('auto', '--max-connections', '1'), 1)
  assert.equal(count('auto', '--upstream-connections', '1'), 1)
  for (const text of ['0', '65', '-1', '1.5', 'AUTO', 'all']) {
    assert.match(
      usage(['--workers', text]),
      /for flag -workers: must be a whole number from 1 to 64, or auto$/,
    )
  }
  assert.equal(count('8', '--max-connections', '8', '--upstream-connections', '8'), 8)
  assert.equal(
    conflict(['--workers', '8', '--upstream-connections', '7']),
    '--workers 8 needs --upstream-connections of at least 8, one for each',
  )
  assert.equal(
    conflict(['--workers', '8', '--max-connections', '7']),
    '--workers 8 needs --max-connections of at least 8, one for each',
  )
})

test('health and metrics have one address, without TLS', () => {
  const admin = (text: string) => settings(['--admin', text]).admin
  assert.equal(admin(''), undefined)
  assert.deepEqual(admin(':9025'), { host: undefined, port: 9025, implicitTls: false })
  assert.deepEqual(admin('[::1]:0'), { host: '::1', port: 0, implicitTls: false })
  assert.match(usage(['--admin', 'tls://:9025']), /for flag -admin: there is no TLS on this address$/)
  assert.equal(conflict(['--admin', '9025']), 'listen tcp: address 9025: missing port in address')
  assert.equal(conflict(['--admin', ':1,:2']), 'listen tcp: address :1,:2: too many colons in address')
})

test('a check is a way to start, not a setting', () => {
  const check = (argv: readonly string[], env: Environment = {}) => {
    const parsed = parse(argv, env)
    return parsed.type === 'settings' ? parsed.check : parsed.type
  }
  assert.deepEqual([check([]), check(['--check']), check(['--check=false'])], [false, true, false])
  assert.equal(check(['--check', '-s']), 'conflict')
  assert.equal(check([], { SMTP_RELAY_CHECK: 'true' }), true)
})

test('to ask for the health of a server is a way to start, not a setting', () => {
  const health = (argv: readonly string[]) => {
    const parsed = parse(argv, {})
    return parsed.type === 'settings' ? parsed.health : parsed.type
  }
  assert.deepEqual([health([]), health(['--health']), health(['--health=false'])], [false, true, false])
  assert.equal(health(['--health', '-s']), 'conflict')
})

test('a hash alone needs TLS or the leave to do without', () => {
  const env = { BCRYPT_HASH: bcryptHash }
  assert.match(
    conflict(['-u', 'user'], env),
    /^BCRYPT_HASH allows LOGIN and PLAIN only, and these need TLS: /,
  )
  const access = { user: { name: 'user', bcryptHash, password: undefined } }
  assert.deepEqual(settings(['-u', 'user', ...tls], env).access, access)
  assert.deepEqual(settings(['-u', 'user', '--allow-plaintext-auth'], env).access, access)
  assert.equal(settings(['-u', 'user'], { ...env, PASSWORD: 'x' }).access.user?.password, 'x')
})

test('a malformed hash is refused and not shown', () => {
  for (const hash of ['hunter2', `:${bcryptHash}`, bcryptHash.slice(1)]) {
    const message = conflict(['-u', 'user', ...tls], { BCRYPT_HASH: hash })
    assert.match(message, /^BCRYPT_HASH is not a bcrypt hash: /)
    assert.equal(message.includes(hash), false)
  }
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

test('no command line and no environment makes it throw, and no message is more than a line', () => {
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
      assert.ok(['settings', 'help', 'version', 'usage', 'conflict'].includes(parsed.type))
      if ('message' in parsed) assert.doesNotMatch(parsed.message, /\p{Cc}/u)
    }),
    { numRuns: 2000 },
  )
})

test('no message ever holds a secret', () => {
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

test('the help names every option in at most 80 columns', () => {
  const help = helpText()
  const table = helpTable()
  for (const line of help.split('\n')) assert.ok(line.length <= 80, line)
  for (const name of [
    '-a, --listen',
    '-u, --user',
    '-i, --allow-ips',
    '    --max-size',
    '    --help',
    'BCRYPT_HASH',
    'PASSWORD',
  ]) {
    assert.ok(help.includes(`  ${name}`), name)
  }
  assert.ok(help.includes('(default ":1025")'))
  const headings = help.match(/^[A-Z]\w+:$/gm)
  assert.deepEqual(headings?.join(' '), 'General: TLS: Authentication: Filters: Amazon: Limits: Operation:')
  for (const heading of headings ?? []) assert.ok(table.includes(`| **${heading.slice(0, -1)}** |  |  |  |`))
  assert.ok(table.includes('| `-a` `--listen ADDRESSES` | `SMTP_RELAY_LISTEN` | `:1025` |'))
  const cells = table
    .trimEnd()
    .split('\n')
    .map(row => row.split('|').length)
  assert.deepEqual(new Set(cells), new Set([6]))
})
