import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../support/random.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { clientHello } from './client-hello.ts'
import { credentials, eachOf, RelayFixture } from './relay-fixture.ts'

test('random bytes and shuffled commands get replies, or the connection is closed', {
  concurrency: true,
}, async t => {
  const house = await RelayFixture.start(t)
  const random = new Random()
  const words = [
    ...['EHLO client.test', 'HELO x', 'MAIL FROM:<a@b.c>', 'RCPT TO:<b@b.c>', 'DATA', 'RSET', 'NOOP', 'QUIT'],
    ...[
      'AUTH PLAIN',
      'AUTH LOGIN',
      'AUTH CRAM-MD5',
      `AUTH PLAIN ${credentials}`,
      '*',
      'AAAA',
      'VRFY x',
      'HELP',
    ],
    ...['.', '..', '', ' ', '\0', '\r', '\n', 'BDAT 10 LAST', '__PROTO__', 'constructor', 'XCLIENT a=b'],
  ].map(word => Buffer.from(`${word}\r\n`))
  const piece = () => (random.below(4) === 0 ? random.bytes(1 + random.below(300)) : random.pick(words))
  const talks = Array.from({ length: 300 }, () => Array.from({ length: 1 + random.below(40) }, piece))

  // In parallel: a client that makes many errors gets delayed replies.
  const atOnce = talks.length
  const ways = [false, true].map(tls =>
    t.test(`${tls ? 'inside TLS' : 'in the clear'}, seed ${random.seed}`, () =>
      eachOf(
        tls ? talks.slice(0, 100) : talks,
        async talk => {
          const wire = await SmtpClient.connect(tls ? house.relay.tlsPort : house.relay.port, { tls })
          for (const bytes of talk) wire.say(bytes)
          wire.finish()
          const heard = await wire.rest()
          assert.match(heard, /^220 [^\r\n]*\r\n(?:[2-5]\d\d[ -][\x20-\x7e]*\r\n)*$/)
        },
        atOnce,
      ),
    ),
  )
  const instead = t.test(`instead of TLS, seed ${random.seed}`, () =>
    eachOf(talks.slice(0, 100), async talk => {
      const wire = await SmtpClient.connect(house.relay.tlsPort)
      wire.say(Buffer.concat(talk))
      wire.finish()
      await wire.rest(5_000)
    }),
  )
  await Promise.all([...ways, instead])
  // Some of the shuffled input may have been a message.
  await house.check(() => true)
})

test('a command of a megabyte is answered 500, and the dialogue continues', async t => {
  const house = await RelayFixture.start(t)
  const wire = await SmtpClient.connect(house.relay.port)
  await wire.greet()
  for (const verb of ['', 'EHLO ', 'MAIL FROM:<', 'RCPT TO:<', 'AUTH PLAIN ', 'NOOP ']) {
    assert.match((await wire.ask(verb + 'x'.repeat(1_000_000))).text, /^500 5\.5\.2 Line too long$/)
  }
  assert.equal((await wire.ask('NOOP')).code, 250)
  wire.vanish()
  await house.check()
})

test('a response of a megabyte is answered 500, and the dialogue continues', async t => {
  const house = await RelayFixture.start(t)
  const wire = await SmtpClient.connect(house.relay.port)
  await wire.greet()
  for (const mechanism of ['PLAIN', 'LOGIN', 'CRAM-MD5']) {
    assert.equal((await wire.ask(`AUTH ${mechanism}`)).code, 334)
    assert.match((await wire.ask('QUJD'.repeat(250_000))).text, /^500 5\.5\.6 /)
  }
  assert.equal((await wire.ask('NOOP')).code, 250)
  wire.vanish()
  await house.check()
})

test('a line that does not end is answered 421', async t => {
  const house = await RelayFixture.start(t)
  const wire = await SmtpClient.connect(house.relay.port)
  await wire.greet()
  wire.say(Buffer.alloc(3_000_000, 'x'))
  assert.equal((await wire.reply()).code, 500)
  assert.match((await wire.reply()).text, /^421 4\.7\.0 Line too long/)
  await wire.rest()
  await house.check()
})

test('a line of a megabyte in a message is accepted', async t => {
  const house = await RelayFixture.start(t)
  const wire = await SmtpClient.connect(house.relay.port)
  await wire.greet()
  assert.equal((await wire.ask(`AUTH PLAIN ${credentials}`)).code, 235)
  const long = `${'x'.repeat(1_000_000)}\r\n`
  assert.equal((await wire.mail(long)).code, 250)
  await house.check(({ content }) => content.toString('latin1') === long)
})

test('a client that only makes errors is disconnected, and not logged', async t => {
  const house = await RelayFixture.start(t)
  const wire = await SmtpClient.connect(house.relay.port)
  wire.say('X\r\n'.repeat(100_000))
  const heard = await wire.rest()
  assert.match(heard, /421 4\.7\.0 Too many errors, closing connection\r\n$/)
  await house.check()
})

test('HTTP is refused without TLS, and TLS on the plaintext port', async t => {
  const house = await RelayFixture.start(t)
  const request = 'POST / HTTP/1.1\r\nHost: relay.test\r\nContent-Length: 6\r\n\r\nQUIT\r\n'

  const clear = await SmtpClient.connect(house.relay.port)
  clear.say(request)
  assert.match(await clear.rest(), /^220 .*\r\n421 4\.7\.0 This is SMTP, not HTTP, closing connection\r\n$/)

  const noTls = await SmtpClient.connect(house.relay.tlsPort)
  noTls.say(request)
  await noTls.rest()

  const secure = await SmtpClient.connect(house.relay.tlsPort, { tls: true })
  secure.say(request)
  assert.match(await secure.rest(), /421 4\.7\.0 This is SMTP, not HTTP/)

  const tooEarly = await SmtpClient.connect(house.relay.port)
  await tooEarly.reply()
  tooEarly.say(await clientHello())
  assert.match(
    await tooEarly.rest(),
    /^500 5\.5\.1 Plaintext port: use STARTTLS to begin TLS, closing connection\r\n$/,
  )
  await house.check()
})
