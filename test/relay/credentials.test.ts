import assert from 'node:assert/strict'
import dns from 'node:dns'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { pinpoint } from '../../src/relay/aws/pinpoint.ts'
import { ses } from '../../src/relay/aws/ses.ts'
import { sesv2 } from '../../src/relay/aws/sesv2.ts'
import { FakeCredentials } from '../support/fake-credentials.ts'
import { FakeSes } from '../support/fake-ses.ts'
import { failure, message } from './backend-contract.ts'

const role = 'arn:aws:iam::123456789012:role/mailer'
const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'not-a-secret' }
const saved = { ...process.env }
const backends: Record<string, () => ReturnType<typeof ses>> = {
  ses: () => ses(),
  sesv2: () => sesv2(),
  pinpoint: () => pinpoint({ applicationId: 'app' }),
}
let aws: FakeSes
let issuer: FakeCredentials
let folder: string

beforeEach(async () => {
  aws = await FakeSes.start()
  issuer = await FakeCredentials.start(aws)
  folder = await mkdtemp(join(tmpdir(), 'credentials-'))
})
afterEach(async () => {
  process.env = { ...saved }
  await issuer.close()
  await aws.close()
  await rm(folder, { recursive: true })
})

test('keys in the environment', async () => {
  await live({ ...keys })
  await (await ses()).send(message)
  assert.deepEqual(signers(), ['AKIDEXAMPLE'])
})

test('a profile of the shared files, with its region', async () => {
  const config = '[profile mailer]\nregion = ap-south-1\n'
  const credentials = '[mailer]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = not-a-secret\n'
  await live({ AWS_PROFILE: 'mailer', AWS_REGION: undefined }, { config, credentials })
  await (await ses()).send(message)
  assert.match(aws.calls[0]!.authorization!, /AKIDEXAMPLE\/\d{8}\/ap-south-1\/ses/)
})

test('a profile that assumes a role of another account', async () => {
  const config = `[default]\nrole_arn = ${role}\nsource_profile = base\nexternal_id = x\n`
  const credentials = '[base]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = not-a-secret\n'
  await live({ AWS_ENDPOINT_URL_STS: issuer.endpoint }, { config, credentials })
  await (await ses()).send(message)
  assert.deepEqual(signers(), ['ASIA1'])
  const [{ parameters }] = issuer.requests as [(typeof issuer.requests)[number]]
  assert.deepEqual([parameters.get('RoleArn'), parameters.get('ExternalId')], [role, 'x'])
})

test('a program that a profile names', async () => {
  const answer = { Version: 1, AccessKeyId: 'AKIDEXAMPLE', SecretAccessKey: 'not-a-secret' }
  const file = join(folder, 'answer.json')
  await writeFile(file, JSON.stringify(answer))
  await live({}, { config: `[default]\ncredential_process = cat ${file}\n` })
  await (await ses()).send(message)
  assert.deepEqual(signers(), ['AKIDEXAMPLE'])
})

test('web identity (IRSA): the role for the token in the file, which is read again when it is needed', async () => {
  const file = join(folder, 'token')
  await writeFile(file, 'first')
  await live({
    AWS_ENDPOINT_URL_STS: issuer.endpoint,
    AWS_WEB_IDENTITY_TOKEN_FILE: file,
    AWS_ROLE_ARN: role,
  })
  issuer.validMs = -1
  const relay = await ses()
  await relay.send(message)
  await writeFile(file, 'second')
  await relay.send(message)
  assert.equal(new Set(signers()).size, 2)
  const shown = issuer.requests.map(({ parameters }) => [
    parameters.get('RoleArn'),
    parameters.get('WebIdentityToken'),
  ])
  assert.deepEqual(
    [shown[0], shown.at(-1)],
    [
      [role, 'first'],
      [role, 'second'],
    ],
  )
})

test('a container of ECS', async () => {
  issuer.authorization = 'a token'
  await live({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${issuer.endpoint}/container`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'a token',
  })
  await (await ses()).send(message)
  assert.deepEqual(signers(), ['ASIA1'])
})

test('a pod of EKS (Pod Identity): the token in the file is read again when it is needed', async () => {
  const file = join(folder, 'token')
  await writeFile(file, 'first')
  issuer.authorization = 'first'
  issuer.validMs = -1
  await live({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${issuer.endpoint}/container`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
  })
  const relay = await ses()
  await relay.send(message)
  await writeFile(file, 'second')
  issuer.authorization = 'second'
  await relay.send(message)
  assert.equal(new Set(signers()).size, 2)
  assert.equal(issuer.requests.at(-1)!.headers.authorization, 'second')
})

test('a machine of EC2 (IMDSv2)', async () => {
  await live({ AWS_EC2_METADATA_SERVICE_ENDPOINT: issuer.endpoint, AWS_EC2_METADATA_DISABLED: undefined })
  await (await ses()).send(message)
  assert.deepEqual(signers(), ['ASIA1'])
})

test('credentials with a long lifetime are requested once by many messages at the same time', async () => {
  await live({ AWS_EC2_METADATA_SERVICE_ENDPOINT: issuer.endpoint, AWS_EC2_METADATA_DISABLED: undefined })
  const relay = await ses()
  await Promise.all(Array.from({ length: 10 }, () => relay.send(message)))
  await relay.send(message)
  assert.equal(issuer.requests.length, 1)
})

test('credentials that expire soon are renewed while messages are still sent with them', async () => {
  await live({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${issuer.endpoint}/container` })
  issuer.validMs = 4 * 60_000
  const relay = await ses()
  await relay.send(message)
  issuer.validMs = 60 * 60_000
  for (let mails = 0; mails < 50 && signers().at(-1) !== 'ASIA2'; mails++) await relay.send(message)
  assert.deepEqual([...new Set(signers())], ['ASIA1', 'ASIA2'])
  assert.equal(issuer.requests.length, 2)
})

test('a credential source that fails is 451 4.3.5, and is asked again for the next message', async () => {
  const file = join(folder, 'token')
  await writeFile(file, 'token')
  issuer.authorization = 'another'
  await live({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${issuer.endpoint}/container`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
  })
  const relay = await ses()
  assert.match((await failure(relay)).reply, /^451 4\.3\.5/)
  issuer.authorization = 'token'
  await relay.send(message)
  assert.deepEqual(signers(), ['ASIA1'])
})

const stsErrors: readonly (readonly [name: string, status: number, text: string])[] = [
  ['InvalidIdentityToken', 400, 'No OpenIDConnect provider found in your account for https://oidc.example'],
  ['ValidationError', 400, 'Request ARN is invalid'],
  ['IDPCommunicationError', 400, 'Error communicating with the provider'],
  ['ExpiredTokenException', 400, 'Token expired'],
  ['AccessDenied', 403, 'Not authorized to perform sts:AssumeRoleWithWebIdentity'],
  ['PackedPolicyTooLarge', 413, 'too large'],
  ['MessageRejected', 400, 'no word of STS at all'],
  ['InternalFailure', 500, 'internal'],
]
for (const [name, status, text] of stsErrors) {
  test(`web identity (IRSA) that fails with ${status} ${name} is 451 4.3.5, and only the log has the reason`, async () => {
    const file = join(folder, 'token')
    await writeFile(file, 'token')
    await live({
      AWS_ENDPOINT_URL_STS: issuer.endpoint,
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      AWS_ROLE_ARN: role,
      AWS_MAX_ATTEMPTS: '1',
    })
    const body = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${name}</Code><Message>${text}</Message></Error><RequestId>r</RequestId></ErrorResponse>`
    issuer.refusal = { status, body }
    const relay = await ses()
    const { reply, log } = await failure(relay)
    assert.equal(reply, '451 4.3.5 Relay is misconfigured, try again later')
    assert.match(log, new RegExp(`^CredentialsProviderError: ${name}(Exception)?: ${text}$`))
    assert.equal(aws.requests, 0)
    issuer.refusal = undefined
    await relay.send(message)
    assert.deepEqual(signers(), ['ASIA1'])
  })
}

test("a page instead of STS's answer is 451 4.3.5, and its status is in the log", async () => {
  const file = join(folder, 'token')
  await writeFile(file, 'token')
  await live({
    AWS_ENDPOINT_URL_STS: issuer.endpoint,
    AWS_WEB_IDENTITY_TOKEN_FILE: file,
    AWS_ROLE_ARN: role,
    AWS_MAX_ATTEMPTS: '1',
  })
  issuer.refusal = { status: 413, body: '<html><hr></html>' }
  const { reply, log } = await failure(await ses())
  assert.match(reply, /^451 4\.3\.5/)
  assert.equal(log, 'CredentialsProviderError: UnreadableAnswer: HTTP 413')
})

const quoting: Record<string, () => Record<string, string | undefined>> = {
  'a container': () => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${issuer.endpoint}/container` }),
  'a machine of EC2': () => ({
    AWS_EC2_METADATA_SERVICE_ENDPOINT: issuer.endpoint,
    AWS_EC2_METADATA_DISABLED: undefined,
  }),
}
for (const [name, environment] of Object.entries(quoting)) {
  test(`the answer of ${name} is never in the log, because it may contain a key`, async () => {
    for (const body of ['s3cr3t-key', '{"SecretAccessKey":"s3cr3t-key', '[s3cr3t-key]', '"s3cr3t-key"x']) {
      await live(environment())
      issuer.refusal = { status: 200, body }
      const { reply, log } = await failure(await ses())
      assert.match(reply, /^451 4\.3\.5/)
      assert.match(log, /^CredentialsProviderError: /)
      assert.doesNotMatch(log, /s3cr|3t-k/)
      await assert.rejects((await ses()).check!(), (error: Error) => !/s3cr|3t-k/.test(error.message))
    }
  })
}

test('no credentials at all are 451 4.3.5, and no request is sent', async () => {
  await live({})
  const { reply, log } = await failure(await ses())
  assert.match(reply, /^451 4\.3\.5/)
  assert.match(log, /^CredentialsProviderError: /)
  assert.equal(aws.requests, 0)
})

test('no region at all is 451 4.3.5, in the words of the Go program', async () => {
  await live({ ...keys, AWS_REGION: undefined })
  const { reply, log } = await failure(await ses())
  assert.match(reply, /^451 4\.3\.5/)
  assert.equal(log, 'MissingRegion: could not find region configuration')
})

test('an invalid region name is 451 4.3.5', async () => {
  await live({ ...keys, AWS_REGION: 'not a region' })
  assert.match((await failure(await ses())).reply, /^451 4\.3\.5/)
})

for (const [backend, relay] of Object.entries(backends)) {
  test(`${backend}: a check reports region and credentials, and sends no message`, async () => {
    await live({ ...keys, AWS_SESSION_TOKEN: 'token' })
    assert.deepEqual(await (await relay()).check!(), [
      'Region: eu-west-1',
      'Credentials: access key ending in MPLE',
      `Endpoint: ${aws.endpoint}`,
    ])
    assert.equal(aws.requests, 0)
  })
}

test('a check reports when credentials expire', async () => {
  await live({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${issuer.endpoint}/container` })
  const [, credentials] = await (await ses()).check!()
  assert.match(credentials!, /^Credentials: access key ending in SIA\d, until 2\d{3}-/)
})

test('a check reports the endpoint if none is configured', async () => {
  await live({ ...keys, AWS_ENDPOINT_URL: undefined })
  const [, , endpoint] = await (await ses()).check!()
  assert.equal(endpoint, 'Endpoint: https://email.eu-west-1.amazonaws.com')
})

test('a check fails if the endpoint is invalid', async () => {
  await live({ ...keys, AWS_ENDPOINT_URL: 'nonsense' })
  await assert.rejects((await ses()).check!(), { message: 'EndpointError: TypeError: Invalid URL' })
})

test('a check fails with a sentence for the operator', async () => {
  await live({ ...keys, AWS_REGION: undefined })
  const message = 'MissingRegion: could not find region configuration'
  await assert.rejects((await ses()).check!(), { name: 'Error', message })
  await live({})
  await assert.rejects((await ses()).check!(), { message: /^CredentialsProviderError: / })
})

const nowhere = 'http://127.0.0.1:1'
test('the endpoint of SES takes precedence over the endpoint of all services', async () => {
  await live({ ...keys, AWS_ENDPOINT_URL: nowhere, AWS_ENDPOINT_URL_SES: aws.endpoint })
  await (await ses()).send(message)
  assert.equal(aws.calls.length, 1)
})

test('an endpoint of the shared files', async () => {
  const config = `[default]\nservices = mine\n[services mine]\nses =\n  endpoint_url = ${aws.endpoint}\n`
  await live({ ...keys, AWS_ENDPOINT_URL: undefined }, { config })
  await (await ses()).send(message)
  assert.equal(aws.calls.length, 1)
})

test('an endpoint with a path keeps it', async () => {
  await live({ ...keys, AWS_ENDPOINT_URL: `${aws.endpoint}/through/here` })
  await (await ses()).send(message)
  assert.equal(aws.calls.length, 1)
})

const hosts: readonly (readonly [backend: string, environment: Record<string, string>, host: string])[] = [
  ['ses', {}, 'email.eu-west-1.amazonaws.com'],
  ['ses', { AWS_REGION: 'cn-north-1' }, 'email.cn-north-1.amazonaws.com.cn'],
  ['ses', { AWS_REGION: 'us-gov-west-1' }, 'email.us-gov-west-1.amazonaws.com'],
  ['ses', { AWS_REGION: 'us-east-1', AWS_USE_FIPS_ENDPOINT: 'true' }, 'email-fips.us-east-1.amazonaws.com'],
  ['ses', { AWS_REGION: 'us-east-1', AWS_USE_DUALSTACK_ENDPOINT: 'true' }, 'email.us-east-1.api.aws'],
  ['sesv2', {}, 'email.eu-west-1.amazonaws.com'],
  ['sesv2', { AWS_REGION: 'us-east-1', AWS_USE_FIPS_ENDPOINT: 'true' }, 'email-fips.us-east-1.amazonaws.com'],
  ['pinpoint', {}, 'pinpoint.eu-west-1.amazonaws.com'],
  [
    'pinpoint',
    { AWS_REGION: 'us-east-1', AWS_USE_FIPS_ENDPOINT: 'true' },
    'pinpoint-fips.us-east-1.amazonaws.com',
  ],
]
for (const [backend, environment, host] of hosts) {
  test(`${backend} with ${JSON.stringify(environment)} is at ${host}`, async t => {
    const asked: string[] = []
    // No test asks the real name servers, and none could reach the real AWS.
    t.mock.method(dns, 'lookup', (name: string, _: unknown, callback: (error: Error) => void) => {
      asked.push(name)
      const error = new Error(`getaddrinfo ENOTFOUND ${name}`)
      callback(Object.assign(error, { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: name }))
    })
    await live({ ...keys, AWS_ENDPOINT_URL: undefined, ...environment })
    const { reply, log } = await failure(await backends[backend]!())
    assert.match(reply, /^451 4\.4\.1/)
    assert.match(log, /ENOTFOUND/)
    assert.deepEqual([...new Set(asked)], [host])
  })
}

/** Makes the environment what the test says; nothing of the machine that the tests run on is left in it. */
async function live(
  environment: Record<string, string | undefined>,
  files: { readonly config?: string; readonly credentials?: string } = {},
): Promise<void> {
  const { config = '', credentials = '' } = files
  const here = {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_REGION: 'eu-west-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    HOME: folder,
    ...environment,
  }
  await writeFile(here.AWS_CONFIG_FILE, config)
  await writeFile(here.AWS_SHARED_CREDENTIALS_FILE, credentials)
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  for (const [name, value] of Object.entries(here)) if (value !== undefined) process.env[name] = value
}

/** The access keys that signed the messages, in order. */
function signers(): string[] {
  return aws.calls.map(({ authorization }) => /Credential=([^/]+)/.exec(authorization!)![1]!)
}
