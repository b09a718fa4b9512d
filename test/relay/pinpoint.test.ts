import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { pinpoint } from '../../src/relay/aws/pinpoint.ts'
import { PartialFailure } from '../../src/relay/relay.ts'
import { FakePinpoint, successful } from '../support/fake-pinpoint.ts'
import { failure, message } from './backend-contract.ts'
import {
  brokenAnswers,
  everyService,
  networkErrors,
  notTheService,
  type Row,
  refuse,
} from './network-errors.ts'

let aws: FakePinpoint
const saved = { ...process.env }
const project = { applicationId: 'app-1', upstreamTimeoutMs: 1_000 }

before(async () => {
  aws = await FakePinpoint.start()
})
beforeEach(() => {
  Object.assign(process.env, aws.environment)
})
afterEach(() => {
  aws.requests = 0
  aws.calls.length = 0
  aws.resultFor = successful
  process.env = { ...saved }
})
after(() => aws.close())

test('Pinpoint gets every recipient and the exact bytes, and no parameter that was not set', async () => {
  aws.script({ type: 'accept', messageId: '0102-abc' })
  assert.deepEqual(await (await pinpoint(project)).send(message), { messageId: '0102-abc' })
  const [{ path, request, data }] = aws.calls as [(typeof aws.calls)[number]]
  assert.equal(path, '/v1/apps/app-1/messages')
  const { RawEmail } = request.MessageConfiguration.EmailMessage
  assert.deepEqual(request, {
    Addresses: {
      'bob@example.org': { ChannelType: 'EMAIL' },
      'carol+x@example.org': { ChannelType: 'EMAIL' },
    },
    MessageConfiguration: {
      EmailMessage: { FeedbackForwardingAddress: 'alice@example.org', RawEmail },
    },
  })
  assert.deepEqual(data, Buffer.concat([...message.content]))
})

test('the null sender is left out', async () => {
  await (await pinpoint(project)).send({ ...message, sender: '' })
  const { EmailMessage } = aws.calls[0]!.request.MessageConfiguration
  assert.deepEqual(Object.keys(EmailMessage), ['RawEmail'])
})

test('the options for endpoint and region take precedence over the environment', async () => {
  Object.assign(process.env, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_REGION: 'us-east-1' })
  const relay = await pinpoint({ ...project, endpoint: aws.endpoint, region: 'eu-west-2' })
  await relay.send(message)
  assert.equal(aws.requests, 1)
  assert.equal((await relay.check!())[0], 'Region: eu-west-2')
})

test('a project whose ID needs escaping is signed correctly', async () => {
  await (await pinpoint({ ...project, applicationId: 'a/b c(d)' })).send(message)
  assert.match(aws.calls[0]!.path, /^\/v1\/apps\/a%2Fb%20c(%28|\()d(%29|\))\/messages$/)
})

test("a message of Pinpoint's largest size arrives complete", async () => {
  const relay = await pinpoint({ applicationId: 'app-1' })
  assert.equal(relay.maxMessageBytes, 5_000_000)
  assert.equal(relay.maxRecipientsPerCall, 50)
  const large = Buffer.alloc(relay.maxMessageBytes, '0123456789\r\n')
  await relay.send({ ...message, content: [large], size: large.length })
  assert.ok(aws.calls[0]!.data.equals(large))
})

const statuses: readonly (readonly [status: string, reply: string])[] = [
  ['THROTTLED', '454 4.7.0 Throttling failure: Maximum sending rate exceeded'],
  ['TEMPORARY_FAILURE', '451 4.3.0'],
  ['UNKNOWN_FAILURE', '451 4.3.0'],
  ['PERMANENT_FAILURE', '554 5.0.0 Message rejected: bob@example.org: because'],
  ['OPT_OUT', '550 5.7.1'],
  ['SOMETHING_NEW', '451 4.3.0'],
]
for (const [status, expected] of statuses) {
  test(`200 with ${status} for every recipient is ${expected}`, async () => {
    aws.resultFor = () => ({ DeliveryStatus: status, StatusCode: 400, StatusMessage: 'because' })
    const { reply, log, error } = await failure(await pinpoint(project))
    assert.equal(reply.slice(0, expected.length), expected)
    assert.match(log, /^[A-Z_]+: because$/)
    assert.ok(error instanceof PartialFailure)
    assert.deepEqual([...error.refused.keys()], message.recipients)
  })
}

test('a duplicate is a success: the recipient has the message', async () => {
  aws.resultFor = () => ({ DeliveryStatus: 'DUPLICATE', StatusCode: 200 })
  assert.deepEqual(await (await pinpoint(project)).send(message), {})
})

test('an address without a result does not have the message', async () => {
  aws.resultFor = (address, id) => (address.startsWith('bob') ? undefined : successful(address, id))
  const { reply, log, error } = await failure(await pinpoint(project))
  assert.match(reply, /^451 4\.3\.0/)
  assert.equal(log, 'UNKNOWN_FAILURE: no result')
  assert.ok(error instanceof PartialFailure)
  assert.deepEqual([...error.refused.keys()], ['bob@example.org'])
})

test('a result without a status means that the recipient does not have the message', async () => {
  aws.resultFor = () => ({ StatusCode: 200 }) as ReturnType<typeof successful>
  const { reply, log } = await failure(await pinpoint(project))
  assert.match(reply, /^451 4\.3\.0/)
  assert.equal(log, 'UNKNOWN_FAILURE: no status')
})

test('an address that is returned in another case is found', async () => {
  const result = JSON.stringify({ Result: { 'bob@example.org': successful('', 'a') } })
  aws.script({ type: 'answer', status: 200, contentType: 'application/json', body: result })
  const receipt = await (await pinpoint(project)).send({ ...message, recipients: ['Bob@Example.org'] })
  assert.deepEqual(receipt, { messageId: 'a' })
})

test('recipients with the names of object properties are recipients', async () => {
  const recipients = ['constructor', 'toString']
  await (await pinpoint(project)).send({ ...message, recipients })
  assert.deepEqual(Object.keys(aws.calls[0]!.request.Addresses).sort(), [...recipients].sort())
})

const mixtures: readonly (readonly [
  bob: string,
  carol: string,
  reply: string,
  refused: readonly string[],
])[] = [
  ['SUCCESSFUL', 'THROTTLED', '454 4.7.0', ['carol+x@example.org THROTTLED']],
  ['PERMANENT_FAILURE', 'SUCCESSFUL', '554 5.0.0', ['bob@example.org PERMANENT_FAILURE']],
  ['DUPLICATE', 'TEMPORARY_FAILURE', '451 4.3.0', ['carol+x@example.org TEMPORARY_FAILURE']],
  [
    'PERMANENT_FAILURE',
    'THROTTLED',
    '454 4.7.0',
    ['carol+x@example.org THROTTLED', 'bob@example.org PERMANENT_FAILURE'],
  ],
  [
    'OPT_OUT',
    'TEMPORARY_FAILURE',
    '451 4.3.0',
    ['carol+x@example.org TEMPORARY_FAILURE', 'bob@example.org OPT_OUT'],
  ],
  [
    'PERMANENT_FAILURE',
    'OPT_OUT',
    '550 5.7.1',
    ['carol+x@example.org OPT_OUT', 'bob@example.org PERMANENT_FAILURE'],
  ],
]
for (const [bob, carol, expected, refused] of mixtures) {
  test(`${bob} and ${carol} are ${expected}, with the recipients that do not have the message and why`, async () => {
    aws.resultFor = (address, MessageId) => ({
      DeliveryStatus: address.startsWith('bob') ? bob : carol,
      StatusCode: 200,
      MessageId,
    })
    const { reply, error } = await failure(await pinpoint(project))
    assert.equal(reply.slice(0, expected.length), expected)
    assert.ok(error instanceof PartialFailure)
    const found = [...error.refused].map(([recipient, why]) => `${recipient} ${(why as Error).name}`)
    assert.deepEqual(found, refused)
  })
}

const refusals: readonly Row[] = [
  ['a bad request', refuse(400, 'BadRequestException', 'Missing body'), '451 4.3.0'],
  ['denied access', refuse(403, 'ForbiddenException', 'no'), '451 4.7.0'],
  ['an unknown project', refuse(404, 'NotFoundException', 'Resource not found'), '451 4.3.5'],
  ['a method that is not there', refuse(405, 'MethodNotAllowedException', 'no'), '451 4.3.5'],
  ['a payload that is too large', refuse(413, 'PayloadTooLargeException', 'too large'), '552 5.3.4'],
  ['an error inside Pinpoint', refuse(500, 'InternalServerErrorException', 'internal'), '451 4.3.0'],
  ['the end of Pinpoint', refuse(410, 'GoneException', 'Amazon Pinpoint is gone'), '451 4.3.5'],
]
for (const [name, outcome, expected] of [...refusals, ...everyService, ...networkErrors]) {
  test(`${name} is ${expected}, after one request`, async () => {
    aws.script(outcome)
    const { reply } = await failure(await pinpoint(project))
    assert.equal(reply.slice(0, expected.length), expected)
    assert.equal(aws.requests, 1)
  })
}

for (const [name, outcome] of brokenAnswers) {
  test(`a 200 that is ${name} is a failure: it does not say which recipients have the message`, async () => {
    aws.script(outcome)
    assert.match((await failure(await pinpoint(project))).reply, /^451 4\./)
    assert.equal(aws.requests, 1)
  })
}

for (const [name, outcome, answer] of notTheService) {
  test(`${name} in an answer of 2xx is not an answer of Pinpoint: 451 4.3.0, and the log shows the answer`, async () => {
    aws.script(outcome)
    const { reply, log } = await failure(await pinpoint({ applicationId: 'app-1' }))
    assert.match(reply, /^451 4\.3\.0 /)
    assert.equal(log, `UnexpectedAnswer: ${answer}`)
    assert.equal(aws.requests, 1)
  })
}
