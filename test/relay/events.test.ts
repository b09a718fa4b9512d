import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client, Transaction } from '../../src/protocol/index.ts'
import {
  type DispatcherOptions,
  dispatcher,
  MemoryBudget,
  type MessageEvent,
  RateLimiter,
} from '../../src/relay/index.ts'
import { FastClock } from '../support/fast-clock.ts'
import {
  awsError,
  Backend,
  brokenOff,
  type Deed,
  type Nature,
  outOfOrder,
  people,
  quotaReached,
  rejected,
  throttled,
} from './backend.ts'

const client: Client = {
  address: '192.0.2.7',
  name: 'client.example',
  extended: true,
  secure: false,
  user: undefined,
}

/** A dispatcher, and the events of its messages and calls. */
function setUp(deeds: readonly Deed[] = [], nature: Nature = {}, options: Partial<DispatcherOptions> = {}) {
  const clock = new FastClock()
  const backend = new Backend(deeds, nature)
  const events: MessageEvent[] = []
  const host = dispatcher(
    backend,
    { hostname: 'relay.example', service: 'Relay', clock, ...options },
    event => void events.push(event),
  )
  const begin = async (recipients = people(1)) => {
    const path = (address: string) => ({ address, parameters: new Map() })
    const transaction: Transaction = { sender: path('alice@example.org'), recipients: recipients.map(path) }
    return host.message(transaction, client)
  }
  const send = async (recipients?: readonly string[]) => {
    const sink = await begin(recipients === undefined ? undefined : [...recipients])
    assert.ok('deliver' in sink)
    await sink.write(Buffer.from('Subject: x\r\n\r\nbody\r\n'))
    return (await sink.deliver())!.code
  }
  const calls = () =>
    events.flatMap(event =>
      event.type === 'call' ? [`${event.outcome}${event.isRetry ? ' again' : ''}`] : [],
    )
  const ends = () =>
    events.flatMap(event =>
      event.type === 'message' ? [`${event.outcome} ${event.accepted} ${event.refused}`] : [],
    )
  return { backend, events, begin, send, calls, ends, clock }
}

test('an accepted message emits an event with its recipients and its size', async () => {
  const { send, events, ends, calls, backend } = setUp()
  assert.equal(await send(people(3)), 250)
  assert.deepEqual([ends(), calls()], [['accepted 3 0'], ['accepted']])
  const end = events.find(event => event.type === 'message')!
  assert.deepEqual([end.relay, end.size], ['fake', backend.messages[0]!.size])
  assert.equal(events.at(-1), end)
})

for (const [what, error, code, call] of [
  ['the operator', awsError('AccessDenied', 'no'), 451, 'temporary'],
  ['the way there', brokenOff, 451, 'temporary'],
  ['the mail', rejected, 554, 'permanent'],
  ['the quota of the day', quotaReached, 454, 'throttled'],
  ['an unknown error', new Error('?'), 451, 'temporary'],
] as const) {
  test(`a failure because of ${what} emits a call event of ${call}`, async () => {
    const { send, ends, calls } = setUp([error])
    assert.equal(await send(people(2)), code)
    assert.deepEqual(calls(), [call])
    assert.deepEqual(ends(), [`${code < 500 ? 'temporary' : 'permanent'} 0 2`])
  })
}

test('a call that is retried emits an event each time', async () => {
  const { send, ends, calls } = setUp([throttled, outOfOrder])
  assert.equal(await send(), 250)
  assert.deepEqual(calls(), ['throttled', 'temporary again', 'accepted again'])
  assert.deepEqual(ends(), ['accepted 1 0'])
})

test('of a message with several calls, the recipients that have it count as accepted', async () => {
  const { send, ends, calls } = setUp([{}, brokenOff], { perCall: 2 })
  assert.equal(await send(people(5)), 451)
  assert.deepEqual(calls(), ['accepted', 'temporary'])
  assert.deepEqual(ends(), ['temporary 2 3'])
})

test('recipients that are left out because they have the message count neither as accepted nor as refused', async () => {
  const { send, events } = setUp([{}, brokenOff, brokenOff], { perCall: 2 })
  assert.equal(await send(people(5)), 451)
  assert.equal(await send(people(5)), 451)
  assert.equal(await send(people(5)), 250)
  const ends = events.flatMap(event =>
    event.type === 'message' ? [[event.outcome, event.accepted, event.skipped, event.refused]] : [],
  )
  assert.deepEqual(ends, [
    ['temporary', 2, 0, 3],
    ['temporary', 0, 2, 3],
    ['accepted', 3, 2, 0],
  ])
})

test('a call that was accepted for some recipients is an accepted one', async () => {
  const { send, ends, calls, backend } = setUp([], { answersPerRecipient: true })
  backend.expect([backend.partly(recipient => (recipient.includes('-0') ? rejected : undefined))])
  assert.equal(await send(people(3)), 554)
  assert.deepEqual([calls(), ends()], [['accepted'], ['permanent 2 1']])
})

test('a message that waits too long for a permit emits no call', async () => {
  const rateLimiter = new RateLimiter(0.001, new FastClock())
  const { send, ends, calls } = setUp([], {}, { rateLimiter, maxWaitMs: 0 })
  assert.equal(await send(), 250)
  assert.equal(await send(), 454)
  assert.deepEqual([calls(), ends()], [['accepted'], ['accepted 1 0', 'temporary 0 1']])
})

test('a message whose content does not arrive completely is aborted', async () => {
  const { begin, ends, calls } = setUp()
  const sink = await begin()
  assert.ok('discard' in sink)
  sink.write(Buffer.from('x'))
  sink.discard()
  assert.deepEqual([calls(), ends()], [[], ['aborted 0 0']])
})

test('a message without memory is a temporary failure, or aborted if its client does not wait', async () => {
  for (const leaves of [false, true]) {
    const budget = new MemoryBudget({ totalBytes: 100_000, largestBytes: 100_000, maxWaitMs: 0 })
    const { begin, events, ends } = setUp([], {}, { budget })
    const sink = await begin()
    assert.ok('deliver' in sink)
    await sink.write(Buffer.alloc(200_000))
    if (leaves) sink.discard()
    else assert.equal((await sink.deliver())!.code, 452)
    assert.deepEqual(ends(), [leaves ? 'aborted 0 0' : 'temporary 0 1'])
    const [delivery] = events.filter(event => event.type === 'delivery')
    assert.equal(delivery!.rejected, 'memory')
  }
})

test('a message without any memory ends before its content arrives', async () => {
  const budget = new MemoryBudget({ totalBytes: 10, largestBytes: 10, maxWaitMs: 0 })
  const { begin, ends } = setUp([], {}, { budget })
  assert.equal(((await begin()) as { code: number }).code, 452)
  assert.deepEqual(ends(), ['temporary 0 1'])
})
