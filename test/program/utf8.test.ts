import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { storedMessages } from '../support/maildir.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** A string that `Wire` sends as UTF-8. */
const utf8 = (text: string) => Buffer.from(text).toString('latin1')

test('with Maildir, addresses and headers may be UTF-8, and the log has them unchanged', async t => {
  const maildir = join(await temporaryDirectory(t), 'maildir')
  const relay = await RelayProcess.start(t, { args: ['-r', 'maildir', '--maildir', maildir] })
  const wire = await SmtpClient.connect(relay.port)
  await wire.reply()
  assert.match((await wire.ask('EHLO client.test')).text, /\n250-SMTPUTF8\n/)
  expectCode(await wire.ask(utf8('MAIL FROM:<jürgen@bücher.example> SMTPUTF8')), 250)
  expectCode(await wire.ask(utf8('RCPT TO:<用户@例え.example>')), 250)
  expectCode(await wire.ask('DATA'), 354)
  wire.say(utf8('Subject: Grüße\r\n\r\nx\r\n.\r\n'))
  expectCode(await wire.reply(), 250)

  const line = JSON.parse(await relay.stdout.find(/"From"/))
  assert.deepEqual([line.From, line.To], ['jürgen@bücher.example', ['用户@例え.example']])
  const [mail] = await storedMessages(maildir)
  assert.match(mail!.received, /with UTF8SMTP id/)
  assert.equal(mail!.content.toString(), 'Subject: Grüße\r\n\r\nx\r\n')
})

test('SES accepts ASCII only: SMTPUTF8 is not offered, and a non-ASCII address is refused before any content', async t => {
  const relay = await RelayProcess.start(t, { args: ['-r', 'ses'], env: { AWS_REGION: 'eu-west-1' } })
  const wire = await SmtpClient.connect(relay.port)
  await wire.reply()
  assert.doesNotMatch((await wire.ask('EHLO client.test')).text, /SMTPUTF8/)
  expectCode(await wire.ask('MAIL FROM:<a@s.example> SMTPUTF8'), 555)
  expectCode(await wire.ask(utf8('MAIL FROM:<jürgen@s.example>')), 550)
  expectCode(await wire.ask('MAIL FROM:<a@s.example>'), 250)
  expectCode(await wire.ask(utf8('RCPT TO:<jürgen@r.example>')), 553)
})
