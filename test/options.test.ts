import assert from 'node:assert/strict'
import os from 'node:os'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Environment, helpTable, helpText, parse, type Settings } from '../src/options.ts'

const bcryptHash = '$2y$10$85/eICRuwBwutrou64G5HeoF3Ek/qf1YKPLba7ckiMxUTAeLIeyaC'
const tls = ['-c', 'default.crt', '-k', 'default.key']

function settings(argv: readonly string[], env: Environment = {}): Settings {
  const parsed = parse(argv, env)
  if (parsed.type !== 'settings') assert.fail(JSON.stringify(parsed))
  return parsed.settings
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
    configurationSet: undefined,
    access: {},
    allowPlaintextAuth: false,
    maildirPath: './maildir',
    maxMessageBytes: 10 * 1024 * 1024,
    maxRecipients: 100,
    idleTimeoutMs: 300_000,
    dataTimeoutMs: 600_000,
    bareNewline: 'normalize',
    drainTimeoutMs: 30_000,
    upstreamTimeoutMs: 60_000,
  } satisfies Settings)
})

test('every option has its setting', () => {
  const argv =
    '-a 127.0.0.1:25,tls://[::1]:465,tls://:466 -n Name -h relay.test -c a.crt -k a.key -s -t -r maildir'
  const more =
    '-e set -u user --allow-plaintext-auth --maildir /tmp/mail --max-size 1MiB --max-recipients 7 --idle-timeout 1.5'
  const last = '--data-timeout 20 --bare-newline reject --drain-timeout 0 --upstream-timeout 5'
  const env = { BCRYPT_HASH: bcryptHash, PASSWORD: 'password', TLS_KEY_PASS: 'test' }
  assert.deepEqual(settings(`${argv} ${more} ${last}`.split(' '), env), {
    listen: [
      { host: '127.0.0.1', port: 25, implicitTls: true },
      { host: '::1', port: 465, implicitTls: true },
      { host: undefined, port: 466, implicitTls: true },
    ],
    service: 'Name',
    hostname: 'relay.test',
    tls: { certPath: 'a.crt', keyPath: 'a.key', passphrase: 'test' },
    requireTls: true,
    relay: 'maildir',
    configurationSet: 'set',
    access: { user: { name: 'user', bcryptHash, password: 'password' } },
    allowPlaintextAuth: true,
    maildirPath: '/tmp/mail',
    maxMessageBytes: 1024 * 1024,
    maxRecipients: 7,
    idleTimeoutMs: 1500,
    dataTimeoutMs: 20_000,
    bareNewline: 'reject',
    drainTimeoutMs: 0,
    upstreamTimeoutMs: 5000,
  } satisfies Settings)
})

test('names take one dash or two, values a space or an equals sign', () => {
  for (const dashes of ['-', '--']) {
    for (const name of ['e', 'configuration-set']) {
      assert.equal(settings([`${dashes}${name}`, 'value']).configurationSet, 'value')
      assert.equal(settings([`${dashes}${name}=value`]).configurationSet, 'value')
      assert.equal(settings([`${dashes}${name}=a=b`]).configurationSet, 'a=b')
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
  assert.equal(settings(['-e', '-x']).configurationSet, '-x')
  assert.equal(settings(['-e', '--']).configurationSet, '--')
  assert.equal(settings(['-e', '--help']).configurationSet, '--help')
  assert.equal(settings(['-e', '-']).configurationSet, '-')
  assert.equal(settings(['-e=-s']).configurationSet, '-s')
})

test('a text that looks like a number stays a text', () => {
  assert.equal(settings(['-e', '0x10']).configurationSet, '0x10')
  assert.equal(settings(['-e', '007']).configurationSet, '007')
  assert.equal(settings(['-e', 'false']).configurationSet, 'false')
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
  assert.match(usage(['-h', 'relay test']), /^invalid value "relay test" for flag -h: not a domain/)
})

test('an empty value means the default', () => {
  const argv = ['-a', '-n', '-h', '-c', '-k', '-r', '-e', '-u', '--maildir', '--max-size', '--idle-timeout']
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
    SMTP_RELAY_HELP: '1',
    SMTP_RELAY_VERSION: '1',
  }
  assert.deepEqual(settings([], env), settings([]))
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

test('the largest message follows the relay', () => {
  assert.equal(settings(['-r', 'ses']).maxMessageBytes, 10_485_760)
  assert.equal(settings(['-r', 'maildir']).maxMessageBytes, 41_943_040)
  assert.equal(settings(['-r', 'discard']).maxMessageBytes, 41_943_040)
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

test('secrets without a user change nothing', () => {
  assert.deepEqual(settings([], { PASSWORD: 'password', BCRYPT_HASH: 'x' }).access, {})
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
      if ('message' in parsed) assert.equal(parsed.message.includes(secret), false)
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
    '    --max-size',
    '    --help',
    'BCRYPT_HASH',
    'PASSWORD',
  ]) {
    assert.ok(help.includes(`  ${name}`), name)
  }
  assert.ok(help.includes('(default ":1025")'))
  assert.ok(table.includes('| `-a` `--listen` | `SMTP_RELAY_LISTEN` | `:1025` |'))
  const cells = table
    .trimEnd()
    .split('\n')
    .map(row => row.split('|').length)
  assert.deepEqual(new Set(cells), new Set([6]))
})
