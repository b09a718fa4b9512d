import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { PinpointClient, SendMessagesCommand } from '@aws-sdk/client-pinpoint'
import { SESClient, SendRawEmailCommand } from '@aws-sdk/client-ses'
import { SESv2Client, SendEmailCommand } from '@aws-sdk/client-sesv2'
import { pinpoint } from '../../src/relay/aws/pinpoint.ts'
import { ses } from '../../src/relay/aws/ses.ts'
import type { SesOptions } from '../../src/relay/aws/ses-options.ts'
import { sesv2 } from '../../src/relay/aws/sesv2.ts'
import type { Message, Relay } from '../../src/relay/relay.ts'
import type { FakeAws, ReceivedRequest } from '../support/fake-aws.ts'
import { FakePinpoint } from '../support/fake-pinpoint.ts'
import { FakeSes } from '../support/fake-ses.ts'
import { FakeSesV2 } from '../support/fake-sesv2.ts'
import { message } from './backend-contract.ts'

/** A backend, what its request would be if the SDK made the whole of it, and how its parameters are read. */
interface Service {
  readonly start: () => Promise<FakeAws<unknown>>
  readonly relay: (options: SesOptions) => Promise<Relay>
  readonly sdkCall: (message: Message, options: SesOptions) => Promise<unknown>
  readonly parametersOf: (body: string) => unknown
  readonly endpointVariable: string
}

const options: SesOptions = {
  configurationSet: "set's 1/2",
  sourceArn: 'arn:aws:ses:eu-west-1:1:identity/a+b@example.org',
  returnPathArn: 'arn:aws:ses:eu-west-1:1:identity/bounces',
  tags: { team: 'a b', env: 'x&y=z' },
}
const sdkSettings = { maxAttempts: 1 }
const applicationId = 'app 1/2'

const services: Readonly<Record<string, Service>> = {
  ses: {
    start: () => FakeSes.start(),
    relay: ses,
    sdkCall: (message, { configurationSet, sourceArn, returnPathArn, tags = {} }) =>
      new SESClient(sdkSettings).send(
        new SendRawEmailCommand({
          Source: message.sender || undefined,
          Destinations: [...message.recipients],
          RawMessage: { Data: Buffer.concat([...message.content]) },
          FromArn: sourceArn,
          SourceArn: sourceArn,
          ReturnPathArn: returnPathArn,
          Tags: configurationSet && Object.entries(tags).map(([Name, Value]) => ({ Name, Value })),
          ConfigurationSetName: configurationSet,
        } as object as ConstructorParameters<typeof SendRawEmailCommand>[0]),
      ),
    parametersOf: body => [...new URLSearchParams(body)].sort(),
    endpointVariable: 'AWS_ENDPOINT_URL_SES',
  },
  sesv2: {
    start: () => FakeSesV2.start(),
    relay: sesv2,
    sdkCall: (message, { configurationSet, sourceArn, returnPathArn, tags = {} }) =>
      new SESv2Client(sdkSettings).send(
        new SendEmailCommand({
          FeedbackForwardingEmailAddress: message.sender || undefined,
          Destination: { ToAddresses: [...message.recipients] },
          Content: { Raw: { Data: Buffer.concat([...message.content]) } },
          FromEmailAddressIdentityArn: sourceArn,
          FeedbackForwardingEmailAddressIdentityArn: returnPathArn,
          EmailTags: configurationSet && Object.entries(tags).map(([Name, Value]) => ({ Name, Value })),
          ConfigurationSetName: configurationSet,
        } as object as ConstructorParameters<typeof SendEmailCommand>[0]),
      ),
    parametersOf: body => JSON.parse(body),
    endpointVariable: 'AWS_ENDPOINT_URL_SESV2',
  },
  pinpoint: {
    start: () => FakePinpoint.start(),
    relay: () => pinpoint({ applicationId }),
    sdkCall: message =>
      new PinpointClient(sdkSettings).send(
        new SendMessagesCommand({
          ApplicationId: applicationId,
          MessageRequest: {
            Addresses: Object.fromEntries(message.recipients.map(to => [to, { ChannelType: 'EMAIL' }])),
            MessageConfiguration: {
              EmailMessage: {
                RawEmail: { Data: Buffer.concat([...message.content]) },
                FeedbackForwardingAddress: message.sender || undefined,
              },
            },
          },
        }),
      ),
    parametersOf: body => JSON.parse(body),
    endpointVariable: 'AWS_ENDPOINT_URL_PINPOINT',
  },
}

const every = Buffer.from(Array.from({ length: 256 * 800 }, (_, n) => (n * 101) & 0xff))
const mails: Readonly<Record<string, Message>> = {
  'a small message': message,
  'a mail of the null sender': { ...message, sender: '' },
  'a mail to addresses that are easily damaged': {
    ...message,
    sender: `"a!#$%&'*+/=?^_\`{|}~ (b)"@example.org`,
    recipients: ["o'neil+x=y@example.org", '"%2B&;"@example.org', '__proto__@example.org'],
  },
  'a mail to 50 recipients': {
    ...message,
    recipients: Array.from({ length: 50 }, (_, n) => `person-${n}@example.org`),
  },
  'a large mail of bytes of all kinds': { ...message, content: [every], headerBytes: 0, size: every.length },
}

const temporary = {
  AWS_ACCESS_KEY_ID: 'ASIATEMPORARY',
  AWS_SECRET_ACCESS_KEY: 'temporary',
  AWS_SESSION_TOKEN: 'a+token/==',
}
/** Environments in which the SDK has something else to find, by the address of the fake. */
const surroundings: Readonly<
  Record<string, (endpoint: string, variable: string) => Record<string, string | undefined>>
> = {
  'with temporary credentials': () => temporary,
  'in another region': () => ({ AWS_REGION: 'us-gov-west-1' }),
  'at an endpoint with a path': endpoint => ({ AWS_ENDPOINT_URL: `${endpoint}/behind/a%20proxy` }),
  "at the service's own endpoint": (endpoint, variable) => ({
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    [variable]: `${endpoint}/own`,
  }),
  'with an application id and a retry mode': () => ({
    AWS_SDK_UA_APP_ID: 'mailer',
    AWS_RETRY_MODE: 'adaptive',
  }),
}

const saved = { ...process.env }
afterEach(() => {
  process.env = { ...saved }
})

for (const [name, service] of Object.entries(services)) {
  let aws: FakeAws<unknown>
  before(async () => {
    aws = await service.start()
    aws.trust(temporary.AWS_ACCESS_KEY_ID, { secret: 'temporary', token: temporary.AWS_SESSION_TOKEN })
  })
  after(() => aws.close())

  /** Sends both ways and compares; the fake has checked both signatures. */
  async function compare(sent: Message, given: SesOptions = {}): Promise<void> {
    await (await service.relay(given)).send(sent)
    const ours = aws.lastRequest!
    await service.sdkCall(sent, given)
    const sdkCall = aws.lastRequest!
    assert.notEqual(ours, sdkCall)
    assert.deepEqual(lineAndHeadersOf(ours), lineAndHeadersOf(sdkCall))
    const [parameters, expected] = [ours, sdkCall].map(({ body }) => service.parametersOf(body.toString()))
    assert.deepEqual(parameters, expected)
    // The same text in another order: not even an escape is written otherwise.
    assert.equal(ours.body.length, sdkCall.body.length)
  }

  for (const [what, sent] of Object.entries(mails)) {
    test(`${name}: ${what} is the request that the SDK would have made`, async () => {
      Object.assign(process.env, aws.environment)
      await compare(sent)
    })
  }

  for (const [where, environment] of Object.entries(surroundings)) {
    test(`${name}: the same holds ${where}`, async () => {
      Object.assign(process.env, aws.environment, environment(aws.endpoint, service.endpointVariable))
      await compare(message)
    })
  }

  if (name !== 'pinpoint') {
    test(`${name}: the same holds with a configuration set, ARNs and tags`, async () => {
      Object.assign(process.env, aws.environment)
      await compare(message, options)
    })
  }

  test(`${name}: a second message has its own signature, date and ID`, async () => {
    Object.assign(process.env, aws.environment)
    const relay = await service.relay({})
    await relay.send(message)
    const first = aws.lastRequest!
    await relay.send({ ...message, sender: 'zoe@example.org' })
    const second = aws.lastRequest!
    assert.equal(first.url, second.url)
    assert.notEqual(first.headers.authorization, second.headers.authorization)
    assert.notEqual(first.headers['amz-sdk-invocation-id'], second.headers['amz-sdk-invocation-id'])
  })
}

/** What the SDK and we must agree on; what is new for each request is checked for its form. */
function lineAndHeadersOf({ method, url, headers, body }: ReceivedRequest): unknown {
  const { authorization = '', ...rest } = headers
  assert.equal(rest['x-amz-content-sha256'], createHash('sha256').update(body).digest('hex'))
  assert.match(String(rest['x-amz-date']), /^\d{8}T\d{6}Z$/)
  assert.match(String(rest['amz-sdk-invocation-id']), /^[0-9a-f-]{36}$/)
  for (const name of ['x-amz-content-sha256', 'x-amz-date', 'amz-sdk-invocation-id']) delete rest[name]
  return { method, url, headers: rest, signed: authorization.replace(/Signature=.*/, '') }
}
