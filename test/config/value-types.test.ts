import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arn, error, settings, tls, usage } from './read.ts'

test('a listen address has a host, an IPv6 host in brackets, or no host', () => {
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

test('an invalid listen address is an error in the words of Go', () => {
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
    assert.equal(error(['-a', address]), `listen tcp: address ${address}: ${what}`)
  }
  assert.equal(error(['-a', ':25,']), 'listen tcp: address : missing port in address')
  assert.equal(error(['-a', 'tls://foo']), 'listen tcp: address foo: missing port in address')
  assert.equal(error(['-a', 'tcp://:25']), 'listen tcp: address tcp://:25: too many colons in address')
})

test('an unknown backend is an error in the words of the Go program', () => {
  assert.equal(error(['-r', 'smtp']), 'Invalid relay API: smtp')
  assert.equal(error(['-r', 'SES']), 'Invalid relay API: SES')
  assert.equal(error(['-r', 'constructor']), 'Invalid relay API: constructor')
})

test('an address list is read, and the message says what is wrong with it', () => {
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

test('regular expressions are passed on as they are written, malformed ones, too', () => {
  const { filters } = settings(['-l', '(', '-d', '(?i)@B$', '--allow-to', '\\'])
  assert.deepEqual(filters, { allowFrom: '(', denyTo: '(?i)@B$', allowTo: '\\' })
})

test('ARNs are passed on as they are given, and the backend knows the defaults', () => {
  const arns = (argv: readonly string[]) => {
    const { sourceArn, fromArn, returnPathArn } = settings(argv)
    return [sourceArn, fromArn, returnPathArn]
  }
  assert.deepEqual(arns(['-o', arn('a')]), [arn('a'), undefined, undefined])
  assert.deepEqual(arns(['--source-arn', arn('a'), '--from-arn', arn('b')]), [arn('a'), arn('b'), undefined])
  assert.deepEqual(arns(['-p', arn('c')]), [undefined, undefined, arn('c')])
})

test('an ARN must be that of an SES identity', () => {
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
  assert.match(usage(['--tags', 'a=b,a=c']), /for flag -tags: duplicate name a$/)
  assert.equal(settings(['--tags', `a=${'x'.repeat(256)}`]).tags?.a?.length, 256)
})

test('the name of a configuration set has at most 64 letters, digits, dashes and underscores', () => {
  assert.equal(settings(['-e', 'a_B-9'.repeat(12)]).configurationSet?.length, 60)
  for (const text of ['a b', 'a.b', 'ä', 'x'.repeat(65)]) {
    assert.match(usage(['-e', text]), /for flag -e: must be at most 64 letters, digits, dashes and/)
  }
})

test('the send rate is a number, 0 for no limit, or auto', () => {
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

test('the admin address is one address without TLS', () => {
  const admin = (text: string) => settings(['--admin', text]).admin
  assert.equal(admin(''), undefined)
  assert.deepEqual(admin(':9025'), { host: undefined, port: 9025, implicitTls: false })
  assert.deepEqual(admin('[::1]:0'), { host: '::1', port: 0, implicitTls: false })
  assert.match(usage(['--admin', 'tls://:9025']), /for flag -admin: TLS is not supported on this address$/)
  assert.equal(error(['--admin', '9025']), 'listen tcp: address 9025: missing port in address')
  assert.equal(error(['--admin', ':1,:2']), 'listen tcp: address :1,:2: too many colons in address')
})
