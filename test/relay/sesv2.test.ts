import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { sesv2 } from '../../src/relay/aws/sesv2.ts'
import { failure, message } from './backend-contract.ts'
import { brokenAnswers, everyService, notTheService, type Row, refuse, wayThere } from './network-errors.ts'
import { SesV2StandIn } from './sesv2-stand-in.ts'

let aws: SesV2StandIn
const saved = { ...process.env }

before(async () => {
  aws = await SesV2StandIn.start()
})
beforeEach(() => {
  Object.assign(process.env, aws.environment)
})
afterEach(() => {
  aws.requests = 0
  aws.calls.length = 0
  aws.maxSendRate = undefined
  process.env = { ...saved }
})
after(() => aws.close())

test('SES gets the envelope and the exact bytes, and no parameter that was not set', async () => {
  aws.script({ type: 'accept', messageId: '0102-abc' })
  assert.deepEqual(await (await sesv2()).send(message), { messageId: '0102-abc' })
  const [{ request, data }] = aws.calls as [(typeof aws.calls)[number]]
  assert.deepEqual(request, {
    Content: { Raw: { Data: request.Content.Raw.Data } },
    Destination: { ToAddresses: ['bob@example.org', 'carol+x@example.org'] },
    FeedbackForwardingEmailAddress: 'alice@example.org',
  })
  assert.deepEqual(data, Buffer.concat([...message.content]))
})

test('the null sender is left out', async () => {
  await (await sesv2()).send({ ...message, sender: '' })
  assert.deepEqual(Object.keys(aws.calls[0]!.request).sort(), ['Content', 'Destination'])
})

test('configuration set, ARNs and tags are sent', async () => {
  const options = { configurationSet: 'set', sourceArn: 'arn:s', fromArn: 'arn:f', returnPathArn: 'arn:r' }
  await (await sesv2({ ...options, tags: { team: 'a', env: 'b' } })).send(message)
  const { Content, Destination, FeedbackForwardingEmailAddress, ...rest } = aws.calls[0]!
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
  const request = aws.calls[0]!.request as unknown as Record<string, unknown>
  assert.equal(request.FromEmailAddressIdentityArn, 'arn:s')
  assert.equal(request.FeedbackForwardingEmailAddressIdentityArn, 'arn:s')
})

test('the options for endpoint and region take precedence over the environment', async () => {
  Object.assign(process.env, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_REGION: 'us-east-1' })
  const relay = await sesv2({ endpoint: aws.endpoint, region: 'eu-west-2' })
  await relay.send(message)
  assert.equal(aws.requests, 1)
  assert.equal((await relay.check!())[0], 'Region: eu-west-2')
})

test('a message of the largest size arrives complete', async () => {
  const relay = await sesv2()
  assert.equal(relay.maxMessageBytes, 40 * 1024 * 1024)
  assert.equal(relay.maxRecipientsPerCall, 50)
  const large = Buffer.alloc(relay.maxMessageBytes, '0123456789\r\n')
  await relay.send({ ...message, content: [large], size: large.length })
  assert.ok(aws.calls[0]!.data.equals(large))
})

test('the send rate is the one of the account', async () => {
  aws.maxSendRate = 14
  assert.equal(await (await sesv2()).sendRate!(), 14)
})

test('an answer without a send rate is an error, and does not mean that there is no limit', async () => {
  aws.script({ type: 'answer', status: 200, contentType: 'application/json', body: '{}' })
  await assert.rejects((await sesv2()).sendRate!(), {
    message: 'the answer contains no send rate',
  })
})

test('without the permission to get the send rate there is an error', async () => {
  const relay = await sesv2()
  await assert.rejects(relay.sendRate!(), { name: 'AccessDenied' })
})

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
    'a mail that is too long',
    refuse(400, 'BadRequestException', "Message length is more than 41943040 bytes long: '5'."),
    '552 5.3.4',
  ],
  ['a request that is too large', refuse(413, 'RequestEntityTooLarge', 'too large'), '552 5.3.4'],
]
for (const [name, outcome, expected] of [...refusals, ...everyService, ...wayThere]) {
  test(`${name} is ${expected}, after one request`, async () => {
    aws.script(outcome)
    const { reply } = await failure(await sesv2({ upstreamTimeoutMs: 1_000 }))
    assert.equal(reply.slice(0, expected.length), expected)
    assert.equal(aws.requests, 1)
  })
}

for (const [name, outcome] of brokenAnswers) {
  test(`a 2xx of SES that is ${name} is a success without a message ID`, async () => {
    aws.script(outcome)
    assert.deepEqual(await (await sesv2({ upstreamTimeoutMs: 300 })).send(message), {})
    assert.equal(aws.requests, 1)
  })
}

for (const [name, outcome, told] of notTheService) {
  test(`${name} in an answer of 2xx is not an answer of SES: 451 4.3.0, and the log shows the answer`, async () => {
    aws.script(outcome)
    const { reply, log } = await failure(await sesv2())
    assert.match(reply, /^451 4\.3\.0 /)
    assert.equal(log, `UnexpectedAnswer: ${told}`)
    assert.equal(aws.requests, 1)
  })
}
