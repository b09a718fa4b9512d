import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { ses } from '../../src/relay/aws/ses.ts'
import { DeliveryAgent } from '../../src/relay/delivery.ts'
import { FakeSes, type Outcome } from '../support/fake-ses.ts'
import { deliver, describeSesBackend, failure, message } from './backend-contract.ts'
import { nginxPage, type Row, refuse } from './network-errors.ts'

const large = {
  ...message,
  content: [Buffer.alloc(9_000_000, '0123456789\r\n')],
  headerBytes: 0,
  size: 9_000_000,
}
const interruptions: readonly (readonly [name: string, outcome: Outcome, reply: string])[] = [
  ['answered 413 before it was read', { type: 'cutShort', status: 413 }, '552 5.3.4'],
  ['answered 503 before it was read', { type: 'cutShort', status: 503 }, '451 4.3.0'],
  ['reset before it was read', { type: 'reset', bodyRead: false }, '451 4.4.2'],
  ['reset after it was read', { type: 'reset', bodyRead: true }, '451 4.4.2'],
]

const refusals: readonly Row[] = [
  [
    'throttling',
    refuse(400, 'Throttling', 'Maximum sending rate exceeded.'),
    '454 4.7.0 Throttling failure: Max',
  ],
  [
    'the daily quota',
    refuse(400, 'Throttling', 'Daily message quota exceeded.'),
    '454 4.7.0 Throttling failure: Daily',
  ],
  [
    'a rejected message',
    refuse(400, 'MessageRejected', 'Virus <found> & gone.'),
    '554 5.6.0 Message rejected: Virus <found> & gone.',
  ],
  ['an unverified sender', refuse(400, 'MessageRejected', 'Email address is not verified.'), '554 5.7.1'],
  ['an unverified MAIL FROM', refuse(400, 'MailFromDomainNotVerified', 'no MX'), '554 5.7.1'],
  [
    'a paused account',
    refuse(400, 'MessageRejected', 'Sending paused for this account. For more information, please check …'),
    '451 4.3.2',
  ],
  ['a paused account, by its name', refuse(400, 'AccountSendingPaused', 'paused'), '451 4.3.2'],
  ['a paused configuration set', refuse(400, 'ConfigurationSetSendingPaused', 'paused'), '451 4.3.2'],
  ['a missing configuration set', refuse(400, 'ConfigurationSetDoesNotExist', 'no such'), '451 4.3.5'],
  [
    'a duplicate header',
    refuse(400, 'InvalidParameterValue', "Duplicate header 'To'."),
    "554 5.6.0 Transaction failed: Duplicate header 'To'.",
  ],
  ['a missing header', refuse(400, 'InvalidParameterValue', "Missing required header 'From'."), '554 5.6.0'],
  ['too many recipients', refuse(400, 'InvalidParameterValue', 'Recipient count exceeds 50.'), '452 4.5.3'],
  ['a bad address', refuse(400, 'InvalidParameterValue', 'Illegal address'), '553 5.1.3'],
  ['an address without domain', refuse(400, 'InvalidParameterValue', "Missing final '@domain'"), '553 5.1.3'],
  [
    'a message that is too long',
    refuse(400, 'InvalidParameterValue', "Message length is more than 10485760 bytes long: '12078147'."),
    '552 5.3.4',
  ],
  ['throttling by its longer name', refuse(400, 'ThrottlingException', 'Rate exceeded'), '454 4.7.0'],
  ['no access', refuse(403, 'AccessDenied', 'User: arn:aws:iam::123456789012:user/x'), '451 4.7.0'],
  ['an expired token', refuse(403, 'ExpiredToken', 'expired'), '451 4.3.5'],
  ['unknown credentials', refuse(403, 'InvalidClientTokenId', 'invalid'), '451 4.3.5'],
  ['a bad signature', refuse(403, 'SignatureDoesNotMatch', 'no match'), '451 4.3.5'],
  ['a request that is too old', refuse(400, 'RequestExpired', 'expired'), '451 4.3.5'],
  ['a request without a token', refuse(403, 'MissingAuthenticationToken', 'missing'), '451 4.3.5'],
  ['an error inside SES', refuse(500, 'InternalFailure', 'internal'), '451 4.3.0'],
  ['an unavailable SES', refuse(503, 'ServiceUnavailable', 'unavailable'), '451 4.3.0'],
  ['an error of no known name', refuse(400, 'NeverHeardOf', 'what'), '451 4.3.0'],
  ['a request that is our mistake', refuse(400, 'MissingParameter', 'no Source'), '451 4.3.5'],
  ['an ARN that is wrong', refuse(400, 'InvalidParameterValue', 'Invalid ARN: arn:x'), '451 4.3.0'],
]

describeSesBackend(
  'SES',
  {
    start: () => FakeSes.start(),
    create: ses,
    maxMessageBytes: 10 * 1024 * 1024,
    answerWithoutRate: {
      contentType: 'text/xml',
      body: '<GetSendQuotaResponse><GetSendQuotaResult></GetSendQuotaResult></GetSendQuotaResponse>',
    },
    errors: refusals,
  },
  aws => {
    for (const [name, outcome, reply] of interruptions) {
      test(`a large message that is ${name} fails, and the next one arrives`, async () => {
        const relay = await ses()
        aws().script(outcome)
        assert.match((await failure(relay, large)).reply, new RegExp(`^${reply}`))
        await relay.send(large)
        assert.equal(aws().calls.at(-1)!.data.length, large.size)
      })
    }

    test('SES gets the envelope and the exact bytes, signed', async () => {
      aws().script({ type: 'accept', messageId: '0102-abc' })
      assert.deepEqual(await (await ses()).send(message), { messageId: '0102-abc' })
      const [call] = aws().calls
      assert.equal(call!.source, 'alice@example.org')
      assert.deepEqual(call!.destinations, ['bob@example.org', 'carol+x@example.org'])
      assert.deepEqual(call!.data, Buffer.concat([...message.content]))
      assert.match(
        call!.authorization!,
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/ses\/aws4_request/,
      )
    })

    test('a parameter that is not set is not sent, not even empty', async () => {
      await (await ses()).send(message)
      const names = [...aws().calls[0]!.parameters.keys()].sort()
      assert.deepEqual(names, [
        'Action',
        'Destinations.member.1',
        'Destinations.member.2',
        'RawMessage.Data',
        'Source',
        'Version',
      ])
    })

    test('the null sender is left out', async () => {
      await (await ses()).send({ ...message, sender: '' })
      assert.equal(aws().calls[0]!.source, undefined)
    })

    test('configuration set, ARNs and tags are sent', async () => {
      const options = {
        configurationSet: 'set',
        sourceArn: 'arn:s',
        fromArn: 'arn:f',
        returnPathArn: 'arn:r',
      }
      await (await ses({ ...options, tags: { team: 'a', env: 'b' } })).send(message)
      const { parameters } = aws().calls[0]!
      assert.equal(parameters.get('ConfigurationSetName'), 'set')
      assert.equal(parameters.get('SourceArn'), 'arn:s')
      assert.equal(parameters.get('FromArn'), 'arn:f')
      assert.equal(parameters.get('ReturnPathArn'), 'arn:r')
      assert.equal(parameters.get('Tags.member.2.Name'), 'env')
      assert.equal(parameters.get('Tags.member.2.Value'), 'b')
    })

    test('the other two ARNs default to the source ARN', async () => {
      await (await ses({ sourceArn: 'arn:s' })).send(message)
      const { parameters } = aws().calls[0]!
      assert.deepEqual([parameters.get('FromArn'), parameters.get('ReturnPathArn')], ['arn:s', 'arn:s'])
    })

    test('a reset on a kept connection is not retried', async () => {
      const relay = await ses()
      await relay.send(message)
      aws().script({ type: 'reset', bodyRead: true })
      assert.match((await failure(relay)).reply, /^451 4\.4\.2/)
      assert.equal(aws().requests, 2)
    })

    test('a service that does not answer is 451 4.4.2, after one request', async () => {
      aws().script({ type: 'hang' })
      const { reply, log } = await failure(await ses({ upstreamTimeoutMs: 100 }))
      assert.match(reply, /^451 4\.4\.2/)
      assert.equal(log, 'TimeoutError: no answer within 100 ms')
      assert.equal(aws().requests, 1)
    })

    test('a 2xx before the whole message was sent is a failure, too, unless it is an answer of SES', async () => {
      const relay = await ses()
      aws().script({ type: 'cutShort', status: 200 })
      assert.match(
        (await failure(relay, large)).log,
        /^UnexpectedAnswer: HTTP 200, no content type, an empty body$/,
      )
      await relay.send(large)
      assert.equal(aws().calls.at(-1)!.data.length, large.size)
    })

    for (const status of [200, 400]) {
      test(`an answer of ${status} that is larger than 1 MiB is not read to its end: 451, and the log says so`, async () => {
        const relay = await ses()
        const body = `<ErrorResponse><Error><Message>${'&lt;'.repeat(1_000_000)}</Message></Error></ErrorResponse>`
        aws().script({ type: 'answer', status, contentType: 'text/xml', body }, { type: 'accept' })
        const before = aws().connections
        const { reply, log, outcome: callOutcome } = await failure(relay)
        assert.match(reply, /^451 4\.3\.0 /)
        assert.equal(log, `AnswerTooLarge: HTTP ${status} with more than 1048576 bytes`)
        assert.equal(callOutcome, 'temporary')
        await relay.send(message)
        assert.equal(aws().connections - before, 2, 'its connection is not used again')
      })
    }

    test('an answer beyond the limit is a failure, although AWS answered 2xx', async () => {
      aws().script({ type: 'truncate', body: ' '.repeat(1_100_000) })
      assert.match((await failure(await ses())).log, /^AnswerTooLarge: HTTP 200 /)
    })

    test('the answer with the send rate has the same limit', async () => {
      aws().script({ type: 'answer', status: 200, contentType: 'text/xml', body: ' '.repeat(1_100_000) })
      await assert.rejects((await ses()).sendRate!(), { name: 'AnswerTooLarge' })
    })

    test('a host that refuses the connection is 451 4.4.1', async () => {
      const relay = await ses({ endpoint: `http://127.0.0.1:${await closedPort()}` })
      const { reply, log } = await failure(relay)
      assert.match(reply, /^451 4\.4\.1/)
      assert.match(log, /ECONNREFUSED/)
    })

    test('a host without an address is 451 4.4.1', async () => {
      assert.match((await failure(await ses({ endpoint: 'http://nowhere.invalid' }))).reply, /^451 4\.4\.1/)
    })

    test('no region is 451 4.3.5, and the log says what the Go program said', async () => {
      delete process.env.AWS_REGION
      process.env.AWS_CONFIG_FILE = process.env.AWS_SHARED_CREDENTIALS_FILE = '/dev/null'
      const { reply, log } = await failure(await ses())
      assert.match(reply, /^451 4\.3\.5/)
      assert.equal(log, 'MissingRegion: could not find region configuration')
    })

    test('no credentials are 451 4.3.5', async () => {
      delete process.env.AWS_ACCESS_KEY_ID
      delete process.env.AWS_SECRET_ACCESS_KEY
      process.env.AWS_CONFIG_FILE = process.env.AWS_SHARED_CREDENTIALS_FILE = '/dev/null'
      const { reply, log } = await failure(await ses())
      assert.match(reply, /^451 4\.3\.5/)
      assert.match(log, /^CredentialsProviderError: Could not load credentials/)
      assert.equal(aws().requests, 0)
    })

    test("a proxy's page is logged by its status, whatever the parser says of it", async () => {
      aws().script(nginxPage)
      assert.equal((await failure(await ses())).log, 'UnreadableAnswer: HTTP 502')
    })

    test('messages share connections, at most as many as allowed', async () => {
      const before = aws().connections
      const agent = new DeliveryAgent(await ses({ upstreamConnections: 3 }), {})
      await Promise.all(Array.from({ length: 30 }, () => agent.deliver(message, '', () => {})))
      assert.equal(aws().requests, 30)
      assert.equal(aws().connections - before, 3)
    })

    test('messages beyond the connections wait: nothing is sent twice, and the log has the right reason', async () => {
      aws().always({ type: 'hang' })
      const relay = await ses({ upstreamConnections: 2, upstreamTimeoutMs: 400 })
      const agent = new DeliveryAgent(relay, { maxWaitMs: 100 })
      const errors = await Promise.all(
        Array.from({ length: 5 }, async () => (await deliver(agent)).errors[0]),
      )
      aws().always({ type: 'accept' })
      assert.deepEqual(errors, [
        ...Array(2).fill('TimeoutError: no answer within 400 ms'),
        ...Array(3).fill('TooManyCalls: all of the 2 concurrent calls that are allowed are in use'),
      ])
      assert.equal(aws().requests, 2)
    })

    test('the send rate is requested while messages use every connection', async () => {
      const relay = await ses({ upstreamConnections: 1, upstreamTimeoutMs: 1_000 })
      aws().maxSendRate = 14
      aws().script({ type: 'hang' })
      const stuck = failure(relay)
      await aws().arrival()
      assert.equal(await relay.sendRate!(), 14)
      assert.match((await stuck).reply, /^451 4\.4\.2/)
    })
  },
)

async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
