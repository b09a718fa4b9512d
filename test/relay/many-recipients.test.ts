import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import type { Transaction } from '../../src/protocol/events.ts'
import type { Client } from '../../src/protocol/host.ts'
import { pinpoint } from '../../src/relay/aws/pinpoint.ts'
import { ses } from '../../src/relay/aws/ses.ts'
import { sesv2 } from '../../src/relay/aws/sesv2.ts'
import { dispatcher } from '../../src/relay/dispatcher.ts'
import type { Delivery } from '../../src/relay/events.ts'
import { RateLimiter } from '../../src/relay/limits/rate-limiter.ts'
import type { Relay } from '../../src/relay/relay.ts'
import { FakePinpoint, successful } from '../support/fake-pinpoint.ts'
import { FakeSes } from '../support/fake-ses.ts'
import { FakeSesV2 } from '../support/fake-sesv2.ts'
import { FastClock } from '../support/fast-clock.ts'
import { people } from './backend.ts'
import { keepDeliveries } from './deliveries.ts'
import { refuse } from './network-errors.ts'

const saved = { ...process.env }
afterEach(() => {
  process.env = { ...saved }
})

const client: Client = {
  address: '192.0.2.7',
  name: 'client.example',
  extended: true,
  secure: false,
  user: undefined,
}
const notNow = refuse(400, 'Throttling', 'Daily message quota exceeded.')
const busy = refuse(503, 'ServiceUnavailable', 'busy')

test("SES: 120 recipients, the second call fails: after the client's retry each recipient has the message once", async t => {
  const aws = await FakeSes.start()
  t.after(() => aws.close())
  Object.assign(process.env, aws.environment)
  aws.script({ type: 'accept' }, notNow)
  const { submit, log } = server(await ses())
  assert.match(await submit(people(120)), /^454 4\.7\.0 .*Daily message quota/)
  assert.match(await submit(people(120)), /^250 2\.0\.0 Ok fake-3$/)
  assert.deepEqual(
    aws.calls.map(({ destinations }) => destinations.length),
    [50, 50, 50, 20],
  )
  const sent = aws.calls.filter((_, n) => n !== 1).flatMap(({ destinations }) => destinations)
  assert.deepEqual(sent.sort(), people(120).sort())
  assert.deepEqual(
    log.map(({ error, skipped, to }) => [error?.split(':')[0] ?? skipped, to.length]),
    [
      [undefined, 50],
      ['Throttling', 50],
      ['already delivered by an earlier attempt', 50],
      [undefined, 50],
      [undefined, 20],
    ],
  )
})

test('SES version 2: the second call fails once: the client gets 250, and each recipient has the message once', async t => {
  const aws = await FakeSesV2.start()
  t.after(() => aws.close())
  Object.assign(process.env, aws.environment)
  aws.script({ type: 'accept' }, busy, busy)
  const { submit, log } = server(await sesv2())
  assert.match(await submit(people(120)), /^250 /)
  assert.deepEqual(
    aws.calls.map(({ request }) => request.Destination.ToAddresses.length),
    [50, 50, 50, 50, 20],
  )
  assert.deepEqual(
    log.map(({ error }) => error),
    [undefined, 'ServiceUnavailable: busy', 'ServiceUnavailable: busy', undefined, undefined],
  )
})

test('Pinpoint: some recipients are rejected, then throttled: each has the message once, with a log line each time', async t => {
  const aws = await FakePinpoint.start()
  t.after(() => aws.close())
  Object.assign(process.env, aws.environment)
  const has = new Map<string, number>()
  const give = (address: string, id: string) => {
    has.set(address, (has.get(address) ?? 0) + 1)
    return successful(address, id)
  }
  const { submit, log } = server(await pinpoint({ applicationId: 'app' }))

  aws.resultFor = (address, id) =>
    /[05]@/.test(address) ? { DeliveryStatus: 'TEMPORARY_FAILURE', StatusCode: 500 } : give(address, id)
  assert.match(await submit(people(20)), /^451 4\.3\.0/)
  aws.resultFor = (address, id) =>
    /0@/.test(address) && aws.calls.length < 4
      ? { DeliveryStatus: 'THROTTLED', StatusCode: 429 }
      : give(address, id)
  assert.match(await submit(people(20)), /^250 /)

  assert.deepEqual(
    log.map(({ to, error, skipped }) => [to.length, error?.split(':')[0] ?? skipped]),
    [
      [16, undefined],
      [4, 'TEMPORARY_FAILURE'],
      [16, 'already delivered by an earlier attempt'],
      [2, undefined],
      [2, 'THROTTLED'],
      [2, 'THROTTLED'],
      [2, undefined],
    ],
  )
  assert.deepEqual(Object.fromEntries(has), Object.fromEntries(people(20).map(person => [person, 1])))
})

test("recipients beyond the send rate are 454 4.7.0, and get the message with the client's retry", async t => {
  const aws = await FakeSes.start()
  t.after(() => aws.close())
  Object.assign(process.env, aws.environment)
  const clock = new FastClock()
  const { submit } = server(await ses(), clock, new RateLimiter(2, clock))
  assert.match(await submit(people(120)), /^454 4\.7\.0 Throttling failure: Maximum sending rate exceeded$/)
  clock.pass(60_000)
  assert.match(await submit(people(120)), /^454 4\.7\.0/)
  clock.pass(60_000)
  assert.match(await submit(people(120)), /^250 /)
  assert.deepEqual(
    aws.calls.flatMap(({ destinations }) => destinations),
    people(120),
  )
})

/** A dispatcher with a backend, a client that submits messages to it, and the log. */
function server(relay: Relay, clock = new FastClock(), rateLimiter = new RateLimiter(0, clock)) {
  const log: Delivery[] = []
  const options = { hostname: 'relay.example', service: 'Relay', clock, rateLimiter }
  const host = dispatcher(relay, options, keepDeliveries(log))
  async function submit(recipients: readonly string[]): Promise<string> {
    const path = (address: string) => ({ address, parameters: new Map() })
    const transaction: Transaction = { sender: path('alice@example.org'), recipients: recipients.map(path) }
    const sink = await host.message(transaction, client)
    assert.ok('deliver' in sink)
    await sink.write(Buffer.from('Subject: x\r\n\r\nbody\r\n'))
    const { code, status, text } = (await sink.deliver())!
    return `${code} ${status} ${text}`
  }
  return { submit, log }
}
