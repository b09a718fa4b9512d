import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { cramMd5, login, plain } from '../../src/auth/index.ts'
import { replies } from '../../src/protocol/replies.ts'
import type { Mechanism, SaslStep } from '../../src/protocol/sasl.ts'

const malformed: SaslStep = { type: 'refusal', reply: replies.badResponse }

/** Plays an exchange: the steps that answer the responses. */
function play(mechanism: Mechanism, ...responses: (string | Buffer | undefined)[]): SaslStep[] {
  const exchange = mechanism.start()
  return responses.map(response =>
    exchange.step(typeof response === 'string' ? Buffer.from(response) : response),
  )
}

function challenge(text: string): SaslStep {
  return { type: 'challenge', challenge: Buffer.from(text) }
}

function password(username: string, password: string, authorizationId?: string): SaslStep {
  const credentials = { type: 'password', username, password } as const
  return {
    type: 'credentials',
    credentials: authorizationId === undefined ? credentials : { ...credentials, authorizationId },
  }
}

test('only mechanisms that show the password are plaintext', () => {
  assert.deepEqual(
    [plain, login, cramMd5()].map(({ name, plaintext }) => [name, plaintext]),
    [
      ['PLAIN', true],
      ['LOGIN', true],
      ['CRAM-MD5', false],
    ],
  )
})

test('PLAIN reads the examples of RFC 4616', () => {
  assert.deepEqual(play(plain, '\0tim\0tanstaaftanstaaf'), [password('tim', 'tanstaaftanstaaf')])
  assert.deepEqual(play(plain, 'Ursel\0Kurt\0xipj3plmq'), [password('Kurt', 'xipj3plmq', 'Ursel')])
})

test('PLAIN without initial response begins with an empty challenge', () => {
  assert.deepEqual(play(plain, undefined, '\0user\0secret'), [challenge(''), password('user', 'secret')])
})

test('PLAIN ignores an authorization identity that equals the user name', () => {
  assert.deepEqual(play(plain, 'user\0user\0secret'), [password('user', 'secret')])
})

test('PLAIN takes 255 bytes of UTF-8 as user name and as password', () => {
  const name = 'ü'.repeat(127)
  const secret = '€'.repeat(85)
  assert.deepEqual(play(plain, `\0${name}\0${secret}`), [password(name, secret)])
})

test('every byte of the password is kept, a byte order mark too', () => {
  assert.deepEqual(play(plain, '\0user\0\uFEFF a\r\n\t'), [password('user', '\uFEFF a\r\n\t')])
  assert.deepEqual(play(login, 'user', '\uFEFF a\r\n\t').at(-1), password('user', '\uFEFF a\r\n\t'))
})

for (const [what, response] of Object.entries({
  'the empty response': '',
  'a response without NUL': 'user',
  'a response with one NUL': 'user\0secret',
  'a response with three NULs': '\0user\0secret\0',
  'an empty user name': '\0\0secret',
  'an empty password': '\0user\0',
  'invalid UTF-8 in the user name': Buffer.from('\0\xFFuser\0secret', 'latin1'),
  'invalid UTF-8 in the password': Buffer.from('\0user\0\xC0\xAF', 'latin1'),
  'a line end in the user name': '\0us\r\ner\0secret',
  'DEL in the user name': '\0us\x7Fer\0secret',
  'a C1 control character in the user name': '\0us\u0085er\0secret',
  'a line end in the authorization identity': 'a\nb\0user\0secret',
})) {
  test(`PLAIN rejects ${what}`, () => {
    assert.deepEqual(play(plain, response), [malformed])
  })
}

test('PLAIN returns credentials for exactly two NULs, whatever the bytes are', () => {
  const bytes = fc.uint8Array({ maxLength: 40 }).map(bytes => bytes.map(byte => (byte < 40 ? 0 : byte)))
  fc.assert(
    fc.property(fc.oneof(bytes, fc.uint8Array()), bytes => {
      const [step] = play(plain, Buffer.from(bytes))
      if (step?.type === 'credentials') assert.equal(bytes.filter(byte => byte === 0).length, 2)
      else assert.deepEqual(step, malformed)
    }),
  )
})

test('LOGIN asks for the user name and then for the password', () => {
  assert.deepEqual(play(login, undefined, 'user', 'secret'), [
    challenge('Username:'),
    challenge('Password:'),
    password('user', 'secret'),
  ])
})

test('LOGIN uses an initial response as the user name', () => {
  assert.deepEqual(play(login, 'user', 'secret'), [challenge('Password:'), password('user', 'secret')])
})

test('LOGIN accepts user names and passwords with spaces', () => {
  assert.deepEqual(play(login, 'a user', ' a secret ').at(-1), password('a user', ' a secret '))
})

test('LOGIN rejects a user name that is empty, not UTF-8, or contains control characters', () => {
  for (const name of ['', 'a\0b', 'a\nb', '\u009F', Buffer.from([0xff])]) {
    assert.deepEqual(play(login, name), [malformed])
  }
})

test('LOGIN rejects a password that is empty or not UTF-8', () => {
  for (const secret of ['', Buffer.from([0xff])]) {
    assert.deepEqual(play(login, 'user', secret), [challenge('Password:'), malformed])
  }
})

test('exchanges of LOGIN are independent of each other', () => {
  const [first, second] = [login.start(), login.start()]
  first.step(Buffer.from('first'))
  second.step(Buffer.from('second'))
  assert.deepEqual(first.step(Buffer.from('secret')), password('first', 'secret'))
})

const rfc2195 = '<1896.697170952@postoffice.reston.mci.net>'

test('CRAM-MD5 reads the example of RFC 2195', () => {
  const steps = play(cramMd5({ challenge: () => rfc2195 }), undefined, 'tim b913a602c7eda7a495b4e6e7334d3890')
  const digest = Buffer.from('b913a602c7eda7a495b4e6e7334d3890', 'hex')
  assert.deepEqual(steps, [
    challenge(rfc2195),
    { type: 'credentials', credentials: { type: 'digest', username: 'tim', challenge: rfc2195, digest } },
  ])
})

test('CRAM-MD5 creates a different challenge for every attempt, with the host name', () => {
  const mechanism = cramMd5({ hostname: 'relay.test' })
  const challenges = Array.from({ length: 100 }, () => {
    const [step] = play(mechanism, undefined)
    return step?.type === 'challenge' ? step.challenge.toString() : ''
  })
  for (const text of challenges) assert.match(text, /^<[0-9a-f]{32}@relay\.test>$/)
  assert.equal(new Set(challenges).size, 100)
})

test('CRAM-MD5 rejects an initial response', () => {
  for (const response of ['', 'tim b913a602c7eda7a495b4e6e7334d3890']) {
    assert.deepEqual(play(cramMd5(), response), [{ type: 'refusal', reply: replies.noInitialResponse }])
  }
})

for (const [what, response] of Object.entries({
  'the empty response': '',
  'a user name without digest': 'tim',
  'a digest without user name': 'b913a602c7eda7a495b4e6e7334d3890',
  'an empty user name': ' b913a602c7eda7a495b4e6e7334d3890',
  'an upper-case digest': 'tim B913A602C7EDA7A495B4E6E7334D3890',
  'a digest of 31 digits': 'tim b913a602c7eda7a495b4e6e7334d389',
  'a digest of 33 digits': 'tim b913a602c7eda7a495b4e6e7334d38900',
  'text after the digest': 'tim b913a602c7eda7a495b4e6e7334d3890 ',
  'a line end after the digest': 'tim b913a602c7eda7a495b4e6e7334d3890\n',
  'an invalid digit': 'tim z913a602c7eda7a495b4e6e7334d3890',
  'a control character in the user name': 't\tim b913a602c7eda7a495b4e6e7334d3890',
  'invalid UTF-8': Buffer.from('t\xFFm b913a602c7eda7a495b4e6e7334d3890', 'latin1'),
})) {
  test(`CRAM-MD5 rejects ${what}`, () => {
    assert.deepEqual(play(cramMd5(), undefined, response).at(-1), malformed)
  })
}

test('CRAM-MD5 rejects a missing response to its challenge', () => {
  assert.deepEqual(play(cramMd5(), undefined, undefined).at(-1), malformed)
})

test('CRAM-MD5 splits at the last space, whatever the user name is', () => {
  const name = fc.string({ minLength: 1, unit: 'binary' }).filter(name => !/\p{Cc}|\p{Cs}/u.test(name))
  fc.assert(
    fc.property(name, name => {
      const digest = createHmac('md5', 'secret').update(rfc2195).digest()
      const step = play(
        cramMd5({ challenge: () => rfc2195 }),
        undefined,
        `${name} ${digest.toString('hex')}`,
      ).at(-1)
      const credentials = { type: 'digest', username: name, challenge: rfc2195, digest }
      assert.deepEqual(step, { type: 'credentials', credentials })
    }),
  )
})
