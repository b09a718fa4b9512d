import assert from 'node:assert/strict'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { storedMessages } from '../support/maildir.ts'
import { addresses4, binaryHeader, healthCheck, lineOf } from '../support/proxy-headers.ts'
import { certificatePath, keyPath, RelayProcess, run } from '../support/relay-process.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'
import { type Scope, temporaryDirectory } from '../support/temporary-directory.ts'

/** The hash of `password`, from `htpasswd -B`. */
const hash = '$2y$10$85/eICRuwBwutrou64G5HeoF3Ek/qf1YKPLba7ckiMxUTAeLIeyaC'
const plain = (user: string, password: string) => Buffer.from(`\0${user}\0${password}`).toString('base64')

interface Started {
  readonly relay: RelayProcess
  readonly directory: string
}

async function start(scope: Scope, ...args: readonly string[]): Promise<Started> {
  const directory = await temporaryDirectory(scope)
  const relay = await RelayProcess.start(scope, {
    args: ['-r', 'maildir', '--maildir', join(directory, 'maildir'), ...args],
    env: { PASSWORD: 'secret' },
  })
  return { relay, directory }
}

async function client({ relay }: Started): Promise<SmtpClient> {
  const wire = await SmtpClient.connect(relay.port)
  await wire.greet()
  return wire
}

/** The next log line about a client or a sender that was refused. */
async function complaint({ relay }: Started, pattern: RegExp) {
  return JSON.parse(await relay.stderr.find(pattern))
}

test('a client whose address is not on the list gets 554, and the log says why', async t => {
  const house = await start(t, '-i', '192.0.2.0/24, 2001:db8::/32')
  const wire = await SmtpClient.connect(house.relay.port)
  expectCode(await wire.reply(), 554)
  expectCode(await wire.ask('EHLO client.test'), 503)
  expectCode(await wire.ask('QUIT'), 221)
  const line = await complaint(house, /Invalid client IP/)
  assert.deepEqual(Object.keys(line).slice(0, 5), ['Time', 'IP', 'From', 'To', 'Error'])
  assert.equal(line.Error, 'Invalid client IP: 127.0.0.1')
})

test('behind a load balancer the client address is that of the PROXY header', async t => {
  const house = await start(t, '-i', '192.0.2.0/24', '--proxy-protocol', '127.0.0.1')
  const introduced = async (header: Buffer) => {
    const wire = await SmtpClient.connect(house.relay.port)
    wire.say(header)
    return wire
  }
  const allowed = await introduced(binaryHeader('2111', addresses4))
  await allowed.greet()
  expectCode(await allowed.mail('x\r\n'), 250)
  assert.equal(JSON.parse(await house.relay.stdout.find(/MessageId/)).IP, '192.0.2.7')
  const [mail] = await storedMessages(join(house.directory, 'maildir'))
  assert.match(mail!.received, /^Received: from client\.test \(\[192\.0\.2\.7\]\)/)

  expectCode(await (await introduced(healthCheck)).reply(), 554)
  expectCode(await (await introduced(lineOf('198.51.100.7'))).reply(), 554)
  assert.equal(await (await introduced(Buffer.from('EHLO client.test\r\n'))).rest(), '')
  const direct = await SmtpClient.connect(house.relay.port, { from: '127.0.0.2' })
  direct.say(lineOf('192.0.2.7'))
  expectCode(await direct.reply(), 554)
  await complaint(house, /127\.0\.0\.2/)
  const complaints = house.relay.stderr.all.filter(line => line.startsWith('{')).map(line => JSON.parse(line))
  assert.deepEqual(
    complaints.map(line => [line.IP, line.Error]),
    [
      ['198.51.100.7', 'Invalid client IP: 198.51.100.7'],
      ['127.0.0.1', 'No valid PROXY header: it is malformed'],
      ['127.0.0.2', 'Invalid client IP: 127.0.0.2'],
    ],
  )
})

test('a client whose address is on the list sends without AUTH, or with any credentials', async t => {
  const house = await start(t, '-i', '127.0.0.0/8', '--allow-plaintext-auth')
  const wire = await client(house)
  expectCode(await wire.mail('x\r\n'), 250)
  expectCode(await wire.ask(`AUTH PLAIN ${plain('anybody', 'anything')}`), 235)
  expectCode(await wire.mail('x\r\n'), 250)
})

test('a wrong password and an unknown user get the same reply, and the log tells them apart', async t => {
  const house = await start(t, '-u', 'ann', '--allow-plaintext-auth')
  const wire = await client(house)
  const wrong = await wire.ask(`AUTH PLAIN ${plain('ann', 'guess')}`)
  const unknown = await wire.ask(`AUTH PLAIN ${plain('bob', 'guess')}`)
  expectCode(wrong, 535)
  assert.deepEqual(unknown, wrong)
  assert.equal((await complaint(house, /Invalid password/)).Error, 'Invalid password of user: ann')
  assert.equal((await complaint(house, /Invalid username/)).Error, 'Invalid username: bob')
  assert.doesNotMatch(house.relay.stderr.all.join(), /guess|secret/)
})

test('a sender or recipient that is not allowed is refused at once, the others get the message', async t => {
  const filters = ['-l', '@example\\.org$', '-d', '^admin@', '--allow-to', '@(example|other)\\.org$']
  const house = await start(t, ...filters)
  const wire = await client(house)
  expectCode(await wire.ask('MAIL FROM:<a@elsewhere.org>'), 550)
  expectCode(await wire.ask('MAIL FROM:<a@example.org>'), 250)
  expectCode(await wire.ask('RCPT TO:<admin@example.org>'), 550)
  expectCode(await wire.ask('RCPT TO:<b@nowhere.org>'), 550)
  expectCode(await wire.ask('RCPT TO:<b@other.org>'), 250)
  expectCode(await wire.ask('DATA'), 354)
  wire.say('x\r\n.\r\n')
  expectCode(await wire.reply(), 250)
  const sender = await complaint(house, /denied sender/)
  assert.equal(sender.Error, 'denied sender: sender does not match the allowed emails regexp')
  assert.equal(sender.From, 'a@elsewhere.org')
  const recipient = await complaint(house, /recipients match/)
  assert.equal(recipient.Error, 'denied recipients: recipients match the denied emails regexp')
  assert.deepEqual([recipient.From, recipient.To], ['a@example.org', ['admin@example.org']])
  await complaint(house, /nowhere\.org/)
})

test('users of a file log in and send as their allowed senders, and a change of the file takes effect', async t => {
  const directory = await temporaryDirectory(t)
  const users = join(directory, 'users')
  await writeFile(users, `# senders\nann:${hash}:@example\\.org$\nbob:${hash}\n`)
  const house = await start(t, '--users-file', users, '--allow-plaintext-auth', '-l', 'a@|b@')
  const wire = await client(house)
  expectCode(await wire.ask('MAIL FROM:<a@example.org>'), 530)
  expectCode(await wire.ask(`AUTH PLAIN ${plain('ann', 'password')}`), 235)
  expectCode(await wire.ask('MAIL FROM:<a@other.org>'), 550)
  expectCode(await wire.ask('MAIL FROM:<c@example.org>'), 550)
  expectCode(await wire.mail('x\r\n'), 250)
  const denied = await complaint(house, /may not send/)
  assert.deepEqual(
    [denied.User, denied.From, denied.Error],
    ['ann', 'a@other.org', 'denied sender: user ann may not send as a@other.org'],
  )

  await writeFile(users, `bob:${hash}\n`)
  for (;;) {
    // The file is read at most once a second.
    const other = await client(house)
    const { code } = await other.ask(`AUTH PLAIN ${plain('ann', 'password')}`)
    if (code === 535) break
    expectCode(await other.ask('QUIT'), 221)
  }
})

test('a renewed certificate is used after SIGHUP, and open connections stay', async t => {
  const directory = await temporaryDirectory(t)
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const renewed = (name: string) => fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
  await copyFile(certificatePath, cert)
  await copyFile(keyPath, key)
  const house = await start(t, '-c', cert, '-k', key)
  const before = await client(house)
  await before.startTls()
  expectCode(await before.ask('EHLO client.test'), 250)

  await writeFile(cert, 'broken')
  house.relay.signal('SIGHUP')
  await house.relay.stderr.find(/; keeping the certificate loaded earlier$/)
  const during = await client(house)
  await during.startTls()
  assert.equal(during.certificateName, 'relay.test')

  await copyFile(renewed('renewed.pem'), cert)
  await copyFile(renewed('renewed-key.pem'), key)
  house.relay.signal('SIGHUP')
  await house.relay.stderr.find(/^TLS certificate reloaded$/)
  const after = await client(house)
  await after.startTls()
  assert.equal(after.certificateName, 'renewed.test')
  expectCode(await before.mail('x\r\n'), 250)
  assert.equal((await storedMessages(join(house.directory, 'maildir'))).length, 1)
})

test('--check says that the configuration is OK and exits 0, or what is wrong and exits 1', async t => {
  const directory = await temporaryDirectory(t)
  const maildir = ['-r', 'maildir', '--maildir', join(directory, 'maildir')]
  const good = await run([...maildir, '--check'])
  assert.deepEqual([good.code, good.stdout.split('\n')[0]], [0, 'Configuration OK'])
  const secure = await run([...maildir, '-c', certificatePath, '-k', keyPath, '--check'])
  assert.match(secure.stdout, /^Certificate: CN=relay\.test, .* until 2\d{3}-\d\d-\d\d, \d+ days left$/m)
  assert.deepEqual([secure.code, secure.stderr], [0, ''])
  const aws = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'hidden' }
  const ses = await run(['-r', 'ses', '--check'], aws)
  assert.equal(ses.code, 0, ses.stderr)
  assert.match(ses.stdout, /eu-west-1/)
  assert.doesNotMatch(ses.stdout + ses.stderr, /hidden/)
  for (const [args, env, sentence] of [
    [['-l', '('], {}, /^Allowed sender emails: error parsing regexp: missing closing \): `\(`$/],
    [['--users-file', join(directory, 'none')], {}, /none/],
    [
      ['-r', 'ses'],
      { AWS_EC2_METADATA_DISABLED: 'true' },
      /^MissingRegion: could not find region configuration$/,
    ],
    [
      ['-r', 'sesv2'],
      { AWS_REGION: 'eu-west-1', AWS_EC2_METADATA_DISABLED: 'true' },
      /^CredentialsProviderError: /,
    ],
  ] as const) {
    const relay = args[0] === '-r' ? args : [...maildir, ...args, '--allow-plaintext-auth']
    const { code, stderr } = await run([...relay, '--check'], env)
    assert.equal(code, 1, stderr)
    assert.match(stderr.split('\n').at(-1)!, sentence)
  }
})
