import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sesv2 } from '../../src/relay/aws/sesv2.ts'
import { FakeSesV2 } from '../support/fake-sesv2.ts'
import { describeSesBackend, message } from './backend-contract.ts'
import { everyService, type Row, refuse } from './network-errors.ts'

const unverified =
  'Email address is not verified. The following identities failed the check in region EU-WEST-1: a@b.c'
const refusals: readonly Row[] = [
  [
    'an unverified address',
    refuse(400, 'MessageRejected', unverified),
    `554 5.7.1 Message rejected: ${unverified}`,
  ],
  [
    'a rejected message',
    refuse(400, 'MessageRejected', 'Virus <found>'),
    '554 5.6.0 Message rejected: Virus <found>',
  ],
  ['an unverified MAIL FROM', refuse(400, 'MailFromDomainNotVerifiedException', 'no MX'), '554 5.7.1'],
  ['a suspended account', refuse(400, 'AccountSuspendedException', 'suspended'), '554 5.7.1'],
  ['paused sending', refuse(400, 'SendingPausedException', 'paused'), '451 4.3.2'],
  [
    'a missing configuration set',
    refuse(404, 'NotFoundException', 'Configuration set <x> does not exist.'),
    '451 4.3.5',
  ],
  [
    'a configuration set that cannot be',
    refuse(
      400,
      'BadRequestException',
      "1 validation error detected: Value 'a b' at 'configurationSetName' failed",
    ),
    '451 4.3.5',
  ],
  [
    'an ARN that cannot be',
    refuse(
      400,
      'BadRequestException',
      "1 validation error: Value 'x' at 'fromEmailAddressIdentityArn' failed",
    ),
    '451 4.3.5',
  ],
  [
    'the daily quota',
    refuse(429, 'TooManyRequestsException', 'Daily message quota exceeded.'),
    '454 4.7.0 Throttling failure: Daily',
  ],
  [
    'the sending rate',
    refuse(429, 'TooManyRequestsException', 'Maximum sending rate exceeded.'),
    '454 4.7.0 Throttling failure: Maximum',
  ],
  ['a limit', refuse(400, 'LimitExceededException', 'limit'), '454 4.7.0'],
  [
    'a duplicate header',
    refuse(400, 'BadRequestException', "Duplicate header 'Subject'."),
    "554 5.6.0 Transaction failed: Duplicate header 'Subject'.",
  ],
  ['too many recipients', refuse(400, 'BadRequestException', 'Recipient count exceeds 50.'), '452 4.5.3'],
  [
    'a bad address',
    refuse(400, 'BadRequestException', 'Domain contains illegal character'),
    '553 5.1.3 Invalid address',
  ],
  ['an address without domain', refuse(400, 'BadRequestException', "Missing final '@domain'"), '553 5.1.3'],
  [
    'a message that is too long',
    refuse(400, 'BadRequestException', "Message length is more than 41943040 bytes long: '5'."),
    '552 5.3.4',
  ],
  ['a request that is too large', refuse(413, 'RequestEntityTooLarge', 'too large'), '552 5.3.4'],
]

describeSesBackend(
  'SES version 2',
  {
    start: () => FakeSesV2.start(),
    create: sesv2,
    maxMessageBytes: 40 * 1024 * 1024,
    answerWithoutRate: { contentType: 'application/json', body: '{}' },
    errors: [...refusals, ...everyService],
  },
  aws => {
    test('SES gets the envelope and the exact bytes, and no parameter that was not set', async () => {
      aws().script({ type: 'accept', messageId: '0102-abc' })
      assert.deepEqual(await (await sesv2()).send(message), { messageId: '0102-abc' })
      const { request, data } = aws().calls[0]!
      assert.deepEqual(request, {
        Content: { Raw: { Data: request.Content.Raw.Data } },
        Destination: { ToAddresses: ['bob@example.org', 'carol+x@example.org'] },
        FeedbackForwardingEmailAddress: 'alice@example.org',
      })
      assert.deepEqual(data, Buffer.concat([...message.content]))
    })

    test('the null sender is left out', async () => {
      await (await sesv2()).send({ ...message, sender: '' })
      assert.deepEqual(Object.keys(aws().calls[0]!.request).sort(), ['Content', 'Destination'])
    })

    test('configuration set, ARNs and tags are sent', async () => {
      const options = {
        configurationSet: 'set',
        sourceArn: 'arn:s',
        fromArn: 'arn:f',
        returnPathArn: 'arn:r',
      }
      await (await sesv2({ ...options, tags: { team: 'a', env: 'b' } })).send(message)
      const { Content, Destination, FeedbackForwardingEmailAddress, ...rest } = aws().calls[0]!
        .request as unknown as Record<string, unknown>
      assert.ok(Content && Destination && FeedbackForwardingEmailAddress)
      assert.deepEqual(rest, {
        ConfigurationSetName: 'set',
        FromEmailAddressIdentityArn: 'arn:f',
        FeedbackForwardingEmailAddressIdentityArn: 'arn:r',
        EmailTags: [
          { Name: 'team', Value: 'a' },
          { Name: 'env', Value: 'b' },
        ],
      })
    })

    test('the other two ARNs default to the source ARN', async () => {
      await (await sesv2({ sourceArn: 'arn:s' })).send(message)
      const request = aws().calls[0]!.request as unknown as Record<string, unknown>
      assert.equal(request.FromEmailAddressIdentityArn, 'arn:s')
      assert.equal(request.FeedbackForwardingEmailAddressIdentityArn, 'arn:s')
    })
  },
)
