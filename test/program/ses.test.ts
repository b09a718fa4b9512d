import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeSes, type Outcome } from '../support/fake-ses.ts'
import { splitReceived } from '../support/maildir.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import type { Scope } from '../support/temporary-directory.ts'
import { HoldingProxy } from './holding-proxy.ts'

// Every byte except CR and LF, a dot to escape, a line longer than SMTP allows.
const everyByte = String.fromCharCode(
  ...Array.from({ length: 256 }, (_, n) => n).filter(n => n !== 10 && n !== 13),
)
const content = `From: a@example.org\r\n\r\n${everyByte}\r\n\0\0\r\n.hidden\r\n${'x'.repeat(5000)}\r\n`
const stuffed = content.replace('\r\n.', '\r\n..')

test('SES gets Source, Destinations and the exact bytes, and its message id is in the 250', async t => {
  const { standIn, relay, wire } = await begin(t)
  standIn.script({ type: 'accept', messageId: '0102018f-abc-000000' })
  await wire.ask('MAIL FROM:<Sender+tag@Example.org> BODY=8BITMIME')
  for (const to of ['b@example.org', 'c@example.org']) await wire.ask(`RCPT TO:<${to}>`)
  await wire.ask('DATA')
  wire.say(`${stuffed}.\r\n`)
  assert.equal((await wire.reply()).text, '250 2.0.0 Ok 0102018f-abc-000000')

  assert.equal(standIn.calls.length, 1)
  const { source, destinations, data, parameters, authorization } = standIn.calls[0]!
  assert.equal(parameters.get('Action'), 'SendRawEmail')
  assert.equal(source, 'Sender+tag@Example.org')
  assert.deepEqual(destinations, ['b@example.org', 'c@example.org'])
  assert.match(authorization!, /Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/ses\/aws4_request/)
  const mail = splitReceived(data)
  assert.match(mail.received, /^Received: from client\.test \(\[127\.0\.0\.1\]\)\r\n\tby relay\.test /)
  assert.ok(mail.content.equals(Buffer.from(content, 'latin1')), mail.content.toString('latin1'))

  const entry = await logLine(relay, 'stdout')
  assert.equal(entry.IP, '127.0.0.1')
  assert.equal(entry.From, 'Sender+tag@Example.org')
  assert.deepEqual(entry.To, ['b@example.org', 'c@example.org'])
  assert.equal(entry.Error, null)
  assert.equal(entry.MessageId, '0102018f-abc-000000')
  assert.equal(entry.Size, data.length)
})

test('ARNs, tags and the configuration set reach SES; two ARNs default to that of the source', async t => {
  const arn = (name: string) => `arn:aws:ses:eu-west-1:123456789012:identity/${name}`
  for (const [given, from, returnPath] of [
    [[], arn('a.example'), arn('a.example')],
    [['-f', arn('b.example'), '-p', arn('c.example')], arn('b.example'), arn('c.example')],
  ] as const) {
    const options = ['-e', 'set', '-o', arn('a.example'), '--tags', 'team=web', ...given]
    const { standIn, wire } = await begin(t, options)
    assert.equal((await wire.mail('x\r\n')).code, 250)
    const { parameters } = standIn.calls[0]!
    assert.equal(parameters.get('ConfigurationSetName'), 'set')
    assert.equal(parameters.get('SourceArn'), arn('a.example'))
    assert.equal(parameters.get('FromArn'), from)
    assert.equal(parameters.get('ReturnPathArn'), returnPath)
    assert.equal(parameters.get('Tags.member.1.Name'), 'team')
    assert.equal(parameters.get('Tags.member.1.Value'), 'web')
  }
})

test('250 is sent only after SES has accepted the message', async t => {
  const standIn = await standInFor(t)
  const gate = await HoldingProxy.startBefore(standIn.endpoint)
  t.after(() => gate.close())
  const relay = await startRelay(t, { ...standIn.environment, AWS_ENDPOINT_URL: gate.endpoint })
  const wire = await connect(relay)
  const other = await connect(relay)

  await wire.open()
  wire.say(`${stuffed}.\r\n`)
  let answered = false
  const answer = wire.reply().finally(() => (answered = true))
  await gate.answerHeld()
  assert.equal(standIn.calls.length, 1)
  // The program serves other clients meanwhile. This client has got no reply.
  for (let times = 0; times < 20; times++) assert.equal((await other.ask('NOOP')).code, 250)
  assert.equal(answered, false)
  assert.deepEqual(relay.stdout.all, [])

  gate.release()
  assert.match((await answer).text, /^250 2\.0\.0 Ok fake-1$/)
})

test('more than 50 recipients reach SES in calls of at most 50', async t => {
  const { standIn, wire } = await begin(t)
  const recipients = Array.from({ length: 60 }, (_, n) => `r${n}@example.org`)
  await wire.ask('MAIL FROM:<a@example.org>')
  for (const to of recipients) assert.equal((await wire.ask(`RCPT TO:<${to}>`)).code, 250)
  await wire.ask('DATA')
  wire.say('x\r\n.\r\n')
  assert.equal((await wire.reply()).code, 250)
  assert.deepEqual(
    standIn.calls.map(({ destinations }) => destinations.length),
    [50, 10],
  )
  assert.deepEqual(
    standIn.calls.flatMap(({ destinations }) => destinations),
    recipients,
  )
})

test('the configuration set is sent to SES', async t => {
  const { standIn, wire } = await begin(t, ['-e', 'my-set'])
  assert.equal((await wire.mail('x\r\n')).code, 250)
  assert.equal(standIn.calls[0]!.parameters.get('ConfigurationSetName'), 'my-set')
})

const rejected =
  'Email address is not verified. The following identities failed the check in region EU-WEST-1: a@b.c'
const refusals: Record<string, { outcome: Outcome; reply: RegExp; error: RegExp }> = {
  'is throttled': {
    outcome: refuse(400, 'Throttling', 'Maximum sending rate exceeded.'),
    reply: /^454 4\.7\.0 Throttling failure: Maximum sending rate exceeded$/,
    error: /^Throttling: Maximum sending rate exceeded\.$/,
  },
  'has sent enough for a day': {
    outcome: refuse(400, 'Throttling', 'Daily message quota exceeded.'),
    reply: /^454 4\.7\.0 Throttling failure: Daily message quota exceeded$/,
    error: /^Throttling: Daily message quota exceeded\.$/,
  },
  'uses an address that is not verified': {
    outcome: refuse(400, 'MessageRejected', rejected),
    reply: /^554 5\.7\.1 Message rejected: Email address is not verified\. .*: a@b\.c$/,
    error: /^MessageRejected: Email address is not verified\./,
  },
  'sends what SES rejects': {
    outcome: refuse(400, 'MessageRejected', 'Virus found'),
    reply: /^554 5\.6\.0 Message rejected: Virus found$/,
    error: /^MessageRejected: Virus found$/,
  },
  'sends what SES cannot read': {
    outcome: refuse(400, 'InvalidParameterValue', "Duplicate header 'Subject'."),
    reply: /^554 5\.6\.0 Transaction failed: Duplicate header 'Subject'\.$/,
    error: /^InvalidParameterValue: Duplicate header 'Subject'\.$/,
  },
  'meets a 500': {
    outcome: refuse(500, 'InternalFailure', 'Something broke'),
    reply: /^451 4\.3\.0 Temporary service failure$/,
    error: /^InternalFailure: Something broke$/,
  },
  "meets a proxy's 503": {
    outcome: { type: 'answer', status: 503, contentType: 'text/html', body: '<h1>Busy</h1>' },
    reply: /^451 4\.3\.0 Temporary service failure$/,
    error: /HTTP 503/,
  },
  'meets a hang': {
    outcome: { type: 'hang' },
    reply: /^451 4\.4\.[12] /,
    error: /^TimeoutError: /,
  },
  'meets a reset before the request was read': {
    outcome: { type: 'reset', bodyRead: false },
    reply: /^451 4\.4\.[12] /,
    error: /ECONNRESET|EPIPE|socket hang up/,
  },
  'meets a reset after the request was read': {
    outcome: { type: 'reset', bodyRead: true },
    reply: /^451 4\.4\.[12] /,
    error: /ECONNRESET|socket hang up/,
  },
}

test('a client gets the outcome of its message, and the next message is accepted', async t => {
  const { standIn, relay, wire } = await begin(t, ['--upstream-timeout', '1'])
  for (const [name, { outcome, reply, error }] of Object.entries(refusals)) {
    await t.test(`a client ${name}`, async () => {
      const before = relay.stderr.all.length
      standIn.script(outcome)
      const { requests } = standIn
      assert.match((await wire.mail('x\r\n')).text, reply)
      assert.equal(standIn.requests, requests + 1, 'SES was asked more than once')
      const entry = await logLine(relay, 'stderr', before)
      assert.match(entry.Error, error)
      assert.match((await wire.mail('y\r\n')).text, /^250 2\.0\.0 Ok fake-\d+$/)
    })
  }
})

test('a service that cannot be reached results in 451 4.4.1', async t => {
  const standIn = await FakeSes.start()
  const { environment } = standIn
  await standIn.close()
  const relay = await startRelay(t, environment)
  const wire = await connect(relay)
  assert.match((await wire.mail('x\r\n')).text, /^451 4\.4\.1 The mail service cannot be reached/)
  assert.match((await logLine(relay, 'stderr')).Error, /ECONNREFUSED/)
})

test('a missing region is 451 4.3.5, in the log in the words of the Go program', async t => {
  const standIn = await standInFor(t)
  const { AWS_REGION, ...elsewhere } = standIn.environment
  assert.ok(AWS_REGION)
  const relay = await startRelay(t, elsewhere)
  await relay.stderr.find(
    /^Backend check failed, mail will be answered 451 until this is fixed: MissingRegion: could not find region configuration$/,
  )
  const wire = await connect(relay)
  assert.match((await wire.mail('x\r\n')).text, /^451 4\.3\.5 /)
  const entry = await logLine(relay, 'stderr')
  assert.equal(entry.Error, 'MissingRegion: could not find region configuration')
  assert.equal(standIn.requests, 0)
})

test('missing credentials are 451 4.3.5', async t => {
  const standIn = await standInFor(t)
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...anonymous } = standIn.environment
  assert.ok(AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY)
  const relay = await startRelay(t, anonymous)
  const wire = await connect(relay)
  assert.match((await wire.mail('x\r\n')).text, /^451 4\.3\.5 /)
  assert.match((await logLine(relay, 'stderr')).Error, /^CredentialsProviderError: /)
  assert.equal(standIn.requests, 0)
})

test('a client that disconnects during the call to SES does not cancel the message', async t => {
  const standIn = await standInFor(t)
  const gate = await HoldingProxy.startBefore(standIn.endpoint)
  t.after(() => gate.close())
  const relay = await startRelay(t, { ...standIn.environment, AWS_ENDPOINT_URL: gate.endpoint })
  const wire = await connect(relay)
  await wire.open()
  wire.say('x\r\n.\r\n')
  await gate.answerHeld()
  wire.reset()
  gate.release()
  assert.equal((await logLine(relay, 'stdout')).Error, null)
  assert.equal((await (await connect(relay)).mail('y\r\n')).code, 250)
})

async function begin(scope: Scope, args: readonly string[] = []) {
  const standIn = await standInFor(scope)
  const relay = await startRelay(scope, standIn.environment, args)
  return { standIn, relay, wire: await connect(relay) }
}

async function standInFor(scope: Scope): Promise<FakeSes> {
  const standIn = await FakeSes.start()
  scope.after(() => standIn.close())
  return standIn
}

function startRelay(scope: Scope, env: Record<string, string>, args: readonly string[] = []) {
  return RelayProcess.start(scope, { args: ['-r', 'ses', '--max-wait', '0', ...args], env })
}

async function connect({ port }: RelayProcess): Promise<SmtpClient> {
  const wire = await SmtpClient.connect(port)
  await wire.greet()
  return wire
}

/** Returns the first log line after the first `after` lines. Its keys must begin as those of the Go program. */
async function logLine(relay: RelayProcess, stream: 'stdout' | 'stderr', after = 0) {
  const line = await relay[stream].find(/^\{/, after)
  const entry = JSON.parse(line)
  assert.deepEqual(Object.keys(entry).slice(0, 5), ['Time', 'IP', 'From', 'To', 'Error'])
  assert.ok(!Number.isNaN(Date.parse(entry.Time)))
  return entry
}

function refuse(status: number, code: string, message: string): Outcome {
  return { type: 'refuse', status, code, message }
}
