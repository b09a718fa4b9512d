import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { SesOptions } from '../../src/relay/aws/ses-options.ts'
import { DeliveryAgent, type DeliveryResult } from '../../src/relay/delivery.ts'
import type { UpstreamCall } from '../../src/relay/index.ts'
import type { Message, Relay } from '../../src/relay/relay.ts'
import type { FakeAws, Outcome } from '../support/fake-aws.ts'
import { brokenAnswers, networkErrors, notTheService, type Row } from './network-errors.ts'

const content = [
  Buffer.from('Received: x\r\n'),
  Buffer.from([0, 1, 127, 128, 255, 10, 13]),
  Buffer.from('+ /=&%é'),
]

/** A message whose bytes are easily damaged in transit. */
export const message: Message = {
  id: 'id',
  sender: 'alice@example.org',
  recipients: ['bob@example.org', 'carol+x@example.org'],
  content,
  headerBytes: content[0]!.length,
  size: content.reduce((sum, part) => sum + part.length, 0),
}

/** Delivers a message that must fail, and returns the reply to the client, the first log text and what `send` threw. */
export async function failure(
  relay: Relay,
  sent = message,
): Promise<{ reply: string; outcome: string; log: string; error: unknown }> {
  let error: unknown
  let outcome = ''
  const send: Relay['send'] = async message => {
    try {
      return await relay.send(message)
    } catch (thrown) {
      error = thrown
      throw thrown
    }
  }
  const onEvent = (call: UpstreamCall) => {
    outcome = call.outcome
  }
  const agent = new DeliveryAgent({ ...relay, send }, { maxWaitMs: 0, onEvent })
  const { result, errors } = await deliver(agent, sent)
  if (result.type !== 'failed') return assert.fail('it was accepted')
  const { code, status, text } = result.reply
  return { reply: `${code} ${status} ${text}`, outcome, log: errors[0]!, error }
}

/** Delivers a message, and returns the result and the log texts of the errors. */
export async function deliver(
  agent: DeliveryAgent,
  sent = message,
): Promise<{ result: DeliveryResult; errors: readonly string[] }> {
  const errors: string[] = []
  const result = await agent.deliver(sent, '', ({ error }) => {
    if (error !== undefined) errors.push(error)
  })
  return { result, errors }
}

/** The part of a fake SES that the contract needs. */
type SesService = FakeAws<{ readonly data: Buffer }> & { maxSendRate: number | undefined }

/** What differs between the backends that send through SES. */
export interface SesBackend<S extends SesService> {
  readonly start: () => Promise<S>
  readonly create: (options?: SesOptions) => Promise<Relay>
  /** The backend's largest message, in bytes. */
  readonly maxMessageBytes: number
  /** An answer of the service to the request for the send rate that contains no rate. */
  readonly answerWithoutRate: { readonly contentType: string; readonly body: string }
  /** Errors of the service, and the replies to the client. */
  readonly errors: readonly Row[]
}

/**
 * Tests what holds for every backend that sends through SES. Tests of one version of the API follow in `more`, which gets
 * a function that returns the fake. The environment has its endpoint, region and credentials in each test.
 */
export function describeSesBackend<S extends SesService>(
  name: string,
  { start, create, maxMessageBytes, answerWithoutRate, errors }: SesBackend<S>,
  more: (service: () => S) => void,
): void {
  describe(name, () => {
    let aws: S
    const environment = { ...process.env }

    before(async () => {
      aws = await start()
    })
    beforeEach(() => {
      Object.assign(process.env, aws.environment)
    })
    afterEach(() => {
      aws.requests = 0
      aws.calls.length = 0
      aws.maxSendRate = undefined
      process.env = { ...environment }
    })
    after(() => aws.close())

    test('the receipt has the message ID of SES, and SES has the exact bytes', async () => {
      aws.script({ type: 'accept', messageId: '0102-abc' })
      assert.deepEqual(await (await create()).send(message), { messageId: '0102-abc' })
      assert.deepEqual(aws.calls[0]!.data, Buffer.concat([...message.content]))
    })

    test('the options for endpoint and region take precedence over the environment', async () => {
      Object.assign(process.env, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_REGION: 'us-east-1' })
      const relay = await create({ endpoint: aws.endpoint, region: 'eu-west-2' })
      await relay.send(message)
      assert.equal(aws.requests, 1)
      assert.equal((await relay.check!())[0], 'Region: eu-west-2')
    })

    test('a message of the largest size arrives complete', async () => {
      const relay = await create()
      assert.equal(relay.maxMessageBytes, maxMessageBytes)
      assert.equal(relay.maxRecipientsPerCall, 50)
      const large = Buffer.alloc(maxMessageBytes, '0123456789\r\n')
      await relay.send({ ...message, content: [large], size: large.length })
      assert.ok(aws.calls[0]!.data.equals(large))
    })

    test('the send rate is the one of the account', async () => {
      aws.maxSendRate = 14
      assert.equal(await (await create()).sendRate!(), 14)
    })

    test('an answer without a send rate is an error, and does not mean that there is no limit', async () => {
      aws.script({ type: 'answer', status: 200, ...answerWithoutRate })
      await assert.rejects((await create()).sendRate!(), { message: 'the answer contains no send rate' })
    })

    test('without the permission to get the send rate there is an error', async () => {
      await assert.rejects((await create()).sendRate!(), { name: 'AccessDenied' })
    })

    for (const [what, outcome, expected] of [...errors, ...networkErrors]) {
      test(`${what} is ${expected}, after one request`, async () => {
        aws.script(outcome)
        const { reply } = await failure(await create({ upstreamTimeoutMs: 1_000 }))
        assert.equal(reply.slice(0, expected.length), expected)
        assert.equal(aws.requests, 1)
      })
    }

    for (const [what, outcome] of brokenAnswers) {
      test(`a 2xx of SES that is ${what} is a success without a message ID`, async () => {
        aws.script(outcome)
        assert.deepEqual(await (await create({ upstreamTimeoutMs: 500 })).send(message), {})
        assert.equal(aws.requests, 1)
      })

      test(`a 2xx of another server that is ${what} is 451`, async () => {
        aws.script({ ...outcome, from: 'a proxy' } as Outcome)
        const { reply } = await failure(await create({ upstreamTimeoutMs: 500 }))
        assert.match(reply, /^451 4\.4\.2/)
        assert.equal(aws.requests, 1)
      })
    }

    for (const [what, outcome, answer] of notTheService) {
      test(`${what} in an answer of 2xx is not an answer of SES: 451 4.3.0, and the log shows the answer`, async () => {
        aws.script(outcome)
        const { reply, log, outcome: callOutcome } = await failure(await create())
        assert.match(reply, /^451 4\.3\.0 /)
        assert.equal(log, `UnexpectedAnswer: ${answer}`)
        assert.equal(callOutcome, 'temporary', 'it counts against readiness')
        assert.equal(aws.requests, 1)
      })
    }

    more(() => aws)
  })
}
