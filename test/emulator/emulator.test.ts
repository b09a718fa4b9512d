/**
 * The whole program against an emulator of Amazon SES by another author: aws-ses-v2-local, started by
 * `ses-emulator.ts` as a process of its own on a free port. So its reading of both versions of the API, and not ours, is
 * what the messages have to pass.
 *
 * The emulator takes a message apart and keeps the pieces: the bytes of attachments exactly; of the headers `From`, `To`,
 * `Cc`, `Bcc` and `Subject`; of the envelope only `RawValue`, and that if a message has no `From`. To see a whole message,
 * headers and all, come through byte for byte, it is sent as an attachment of another one. A request may have 25 MB.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createTransport } from 'nodemailer'
import { RelayProcess } from '../support/relay-process.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { type KeptMail, missing, SesEmulator } from './ses-emulator.ts'

const skip = missing ?? false

const everyByte = String.fromCharCode(
  ...Array.from({ length: 256 }, (_, byte) => byte).filter(byte => byte !== 10 && byte !== 13),
)

/** Parts that go wrong easily on their way, as Latin-1: every character is a byte. */
const parts = {
  'every.bin': `${everyByte}\r\n\0\0\0\r\n${everyByte}`,
  'dots.txt': '.\r\n..\r\n.hidden\r\n\r\n.\r\nQUIT\r\n.',
  'long.txt': `${'x'.repeat(100_000)}\r\n  \t\r\n trailing \r\n\r\n\r\n`,
  'whole.eml': `Received: from x\r\n\tby y\r\nfrom:  A <a@b.c>\r\nX-Odd:\r\nSubject: ${everyByte.slice(128)}\r\n\r\n.one\r\n`,
}

for (const relayName of ['ses', 'sesv2'] as const) {
  test(`-r ${relayName}`, { skip }, async t => {
    const { emulator, relay, wire } = await begin(t, relayName)

    await t.test('the emulator gets every byte, and the client gets its message ID', async () => {
      const { text } = await send(wire, ['Bob@example.org', 'c@example.org'], composed(parts))
      const mail = await only(emulator)
      expectParts(mail, parts)
      assert.equal(mail.from, '"Ann" <ann@example.org>')
      assert.deepEqual(mail.destination.to, ['bob@example.org'])
      assert.deepEqual(mail.destination.cc, ['c@example.org'])
      assert.equal(mail.subject, 'Grüße')
      assert.equal(mail.body.text, 'Hello')
      assert.equal(text, `250 2.0.0 Ok ${mail.messageId}`)

      const entry = JSON.parse(await relay.stdout.find(/^\{/))
      assert.equal(entry.MessageId, mail.messageId)
      assert.equal(entry.Relay, relayName)
      assert.deepEqual(entry.To, ['Bob@example.org', 'c@example.org'])
    })

    await t.test('the emulator gets the message that nodemailer composed', async () => {
      const content = Buffer.from(everyByte.repeat(1000), 'latin1')
      await createTransport({ host: '127.0.0.1', port: relay.port }).sendMail({
        from: 'ann@example.org',
        to: ['b@example.org', 'c@example.org'],
        bcc: 'd@example.org',
        subject: 'Grüße',
        text: '.Hello\n',
        attachments: [{ filename: 'a.bin', content }],
      })
      const mail = await only(emulator)
      assert.equal(mail.from, 'ann@example.org')
      assert.deepEqual(mail.destination, { to: ['b@example.org, c@example.org'], cc: [], bcc: [] })
      assert.equal(mail.subject, 'Grüße')
      assert.equal(mail.body.text, '.Hello\n')
      expectParts(mail, { 'a.bin': content.toString('latin1') })
    })

    await t.test(
      'a message from the null sender is accepted, and its From header is not changed',
      async () => {
        assert.equal((await send(wire, ['b@example.org'], composed({}), '')).code, 250)
        assert.equal((await only(emulator)).from, '"Ann" <ann@example.org>')
      },
    )

    await t.test('sixty recipients need two calls, both with the same message', async () => {
      const recipients = Array.from({ length: 60 }, (_, number) => `r${number}@example.org`)
      const { text } = await send(wire, recipients, composed(parts))
      const mails = await emulator.take()
      assert.equal(mails.length, 2)
      for (const mail of mails) expectParts(mail, parts)
      assert.equal(text, `250 2.0.0 Ok ${mails[0]!.messageId}`)
    })

    await t.test(
      'what the emulator rejects without a code of AWS is a temporary failure, and the next message is sent',
      async () => {
        // Neither a header nor the envelope names a sender.
        const { text } = await send(wire, ['b@example.org'], 'Subject: x\r\n\r\nx\r\n', '')
        assert.match(text, /^451 4\.3\.0 /)
        assert.deepEqual(await emulator.take(), [])
        assert.equal((await send(wire, ['b@example.org'], composed({}))).code, 250)
        await only(emulator)
      },
    )
  })
}

test('-r ses: the envelope sender is the Source of the call', { skip }, async t => {
  const { emulator, wire } = await begin(t, 'ses')
  await send(wire, ['b@example.org'], 'Subject: without From\r\n\r\nx\r\n', 'Bounces+1@Example.org')
  assert.equal((await only(emulator)).from, 'Bounces+1@Example.org')
})

test('-r sesv2: 12 MB come through byte for byte, 20 MB are 552 because the emulator refuses them', {
  skip,
}, async t => {
  const { emulator, wire } = await begin(t, 'sesv2')
  const lines = `.${everyByte}\r\n`
  const large = { 'large.bin': lines.repeat(12_000_000 / lines.length) }
  assert.equal((await send(wire, ['b@example.org'], composed(large))).code, 250)
  expectParts(await only(emulator), large)

  const larger = { 'larger.bin': lines.repeat(20_000_000 / lines.length) }
  const { text } = await send(wire, ['b@example.org'], composed(larger))
  assert.equal(text, '552 5.3.4 Message is too long')
  assert.deepEqual(await emulator.take(), [])
})

test('-r sesv2 --send-rate auto: the rate is that of the emulated account', { skip }, async t => {
  const { wire } = await begin(t, 'sesv2', ['--send-rate', 'auto', '--max-wait', '0'], {
    AWS_SES_ACCOUNT: JSON.stringify({ ...account, SendQuota: { ...account.SendQuota, MaxSendRate: 1 } }),
  })
  const recipients = Array.from({ length: 50 }, (_, number) => `r${number}@example.org`)
  // The account is asked while the first messages go, and these need not wait for its answer.
  for (let tries = 0; tries < 100; tries++) {
    const { text } = await send(wire, recipients, composed({}))
    if (/^454 4\.7\.0 Throttling failure/.test(text)) return
  }
  assert.fail('mail was sent as fast as it came')
})

/** An account as the emulator wants to be given one. */
const account = {
  DedicatedIpAutoWarmupEnabled: false,
  Details: {
    AdditionalContactEmailAddresses: [],
    ContactLanguage: 'EN',
    MailType: 'TRANSACTIONAL',
    ReviewDetails: { CaseId: '1', Status: 'GRANTED' },
    UseCaseDescription: 'x',
    WebsiteURL: 'https://example.org',
  },
  EnforcementStatus: 'HEALTHY',
  ProductionAccessEnabled: true,
  SendingEnabled: true,
  SendQuota: { Max24HourSend: 200, MaxSendRate: 100, SentLast24Hours: 0 },
  SuppressionAttributes: { SuppressedReasons: [] },
}

/** The mail that the emulator was sent; it must be one. */
async function only(emulator: SesEmulator): Promise<KeptMail> {
  const [mail, ...others] = await emulator.take()
  assert.ok(mail !== undefined && others.length === 0)
  return mail
}

async function begin(
  t: TestContext,
  relayName: 'ses' | 'sesv2',
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
) {
  const emulator = await SesEmulator.start(t, env)
  const relay = await RelayProcess.start(t, { args: ['-r', relayName, ...args], env: emulator.environment })
  const wire = await SmtpClient.connect(relay.port)
  await wire.greet()
  return { emulator, relay, wire }
}

/** Sends one message with stuffed dots, and returns the last reply. */
async function send(
  wire: SmtpClient,
  recipients: readonly string[],
  content: string,
  sender = 'ann@example.org',
) {
  assert.equal((await wire.ask(`MAIL FROM:<${sender}>`)).code, 250)
  for (const recipient of recipients) assert.equal((await wire.ask(`RCPT TO:<${recipient}>`)).code, 250)
  assert.equal((await wire.ask('DATA')).code, 354)
  await wire.put(`${content.replace(/^\./gm, '..')}.\r\n`)
  return wire.reply('the final dot')
}

/** A message with a text and these attachments, without encoding, as Latin-1. */
function composed(attachments: Readonly<Record<string, string>>): string {
  const boundary = '=_of the parts'
  const attached = Object.entries(attachments).map(([filename, content]) =>
    [
      `--${boundary}`,
      'Content-Type: application/octet-stream',
      'Content-Transfer-Encoding: binary',
      `Content-Disposition: attachment; filename=${filename}`,
      '',
      `${content}\r\n`,
    ].join('\r\n'),
  )
  return [
    'From: Ann <ann@example.org>',
    'To: bob@example.org',
    'Cc: c@example.org',
    'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    '',
    'Hello',
    `${attached.join('')}--${boundary}--`,
    '',
  ].join('\r\n')
}

function expectParts(mail: KeptMail, expected: Readonly<Record<string, string>>): void {
  assert.deepEqual(
    mail.attachments.map(({ filename }) => filename),
    Object.keys(expected),
  )
  for (const { filename, content } of mail.attachments) {
    const kept = Buffer.from(content, 'base64')
    const sent = Buffer.from(expected[filename]!, 'latin1')
    assert.ok(kept.equals(sent), `${filename} is not what was sent: ${kept.toString('latin1', 0, 300)}`)
  }
}
