import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { storedMessages } from '../support/maildir.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const region = { AWS_REGION: 'eu-west-1' }
const pinpoint = ['-r', 'pinpoint', '--pinpoint-application-id', 'a1']

test('with Maildir, BINARYMIME is offered, and a bare newline is stored unchanged', async t => {
  const maildir = join(await temporaryDirectory(t), 'maildir')
  const relay = await RelayProcess.start(t, { args: ['-r', 'maildir', '--maildir', maildir] })
  const wire = await SmtpClient.connect(relay.port)
  await wire.reply()
  assert.match((await wire.ask('EHLO client.test')).text, /\n250-BINARYMIME\n/)
  expectCode(await wire.ask('MAIL FROM:<a@s.example> BODY=BINARYMIME'), 250)
  expectCode(await wire.ask('RCPT TO:<b@r.example>'), 250)
  wire.say('BDAT 8 LAST\r\na\n.\nb\rc\0')
  expectCode(await wire.reply(), 250)
  const [mail] = await storedMessages(maildir)
  assert.equal(mail!.content.toString('latin1'), 'a\n.\nb\rc\0')
})

for (const [what, args, env] of [
  ['SES', ['-r', 'ses'], region],
  ['the API v2 of SES', ['-r', 'sesv2'], region],
  ['Pinpoint', pinpoint, region],
  ['a server that refuses bare newlines', ['-r', 'discard', '--bare-newline', 'reject'], {}],
] as const)
  test(`${what} accepts no binary content: BINARYMIME is not offered, and BODY=BINARYMIME is answered 555`, async t => {
    const relay = await RelayProcess.start(t, { args: [...args], env })
    const wire = await SmtpClient.connect(relay.port)
    await wire.reply()
    assert.doesNotMatch((await wire.ask('EHLO client.test')).text, /BINARYMIME/)
    const refused = await wire.ask('MAIL FROM:<a@s.example> BODY=BINARYMIME')
    expectCode(refused, 555)
    assert.match(refused.text, /^555 5\.5\.4 Parameter BODY=BINARYMIME is not supported/)
    expectCode(await wire.ask('MAIL FROM:<a@s.example> BODY=8BITMIME'), 250)
  })
