import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { pinpoint } from '../../src/relay/aws/pinpoint.ts'
import { ses } from '../../src/relay/aws/ses.ts'
import { sesv2 } from '../../src/relay/aws/sesv2.ts'
import type { Relay } from '../../src/relay/relay.ts'
import type { FakeAws } from '../support/fake-aws.ts'
import { FakePinpoint } from '../support/fake-pinpoint.ts'
import { FakeSes } from '../support/fake-ses.ts'
import { FakeSesV2 } from '../support/fake-sesv2.ts'
import { failure, message } from './backend-contract.ts'

interface Service {
  readonly start: () => Promise<FakeAws<unknown>>
  readonly relay: () => Promise<Relay>
}
const services: Record<string, Service> = {
  ses: { start: () => FakeSes.start(), relay: () => ses() },
  sesv2: { start: () => FakeSesV2.start(), relay: () => sesv2() },
  pinpoint: { start: () => FakePinpoint.start(), relay: () => pinpoint({ applicationId: 'app 1/2' }) },
}
const saved = { ...process.env }

afterEach(() => {
  process.env = { ...saved }
})

for (const [name, { start, relay }] of Object.entries(services)) {
  let aws: FakeAws<unknown>
  before(async () => {
    aws = await start()
    aws.trust('ASIATEMPORARY', { secret: 'temporary', token: 'a+token/==' })
  })
  after(() => aws.close())

  test(`${name}: a request that is signed with the secret is accepted`, async () => {
    Object.assign(process.env, aws.environment)
    await (await relay()).send(message)
  })

  test(`${name}: temporary credentials are sent with their token`, async () => {
    Object.assign(process.env, aws.environment, temporary('temporary', 'a+token/=='))
    await (await relay()).send(message)
  })

  test(`${name}: another secret, another token, an unknown key: 451 4.3.5`, async () => {
    const wrong = [
      { AWS_SECRET_ACCESS_KEY: 'guessed' },
      temporary('guessed', 'a+token/=='),
      temporary('temporary', 'of another user'),
      { AWS_ACCESS_KEY_ID: 'AKIDNOBODY' },
    ]
    for (const environment of wrong) {
      process.env = { ...saved, ...aws.environment, ...environment }
      const { reply, log } = await failure(await relay())
      assert.match(reply, /^451 4\.3\.5/)
      assert.match(log, /^(SignatureDoesNotMatch|InvalidClientTokenId): /)
      assert.doesNotMatch(log, /token\/=/)
    }
  })
}

function temporary(secret: string, token: string) {
  return { AWS_ACCESS_KEY_ID: 'ASIATEMPORARY', AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token }
}
