import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostReply } from '../../src/protocol/index.ts'
import {
  type Delivery,
  dispatcher,
  MemoryBudget,
  type Message,
  PartialFailure,
  Refused,
  type Relay,
  worstCaseBytes,
} from '../../src/relay/index.ts'
import { awsError, throttled } from './backend.ts'
import { keepDeliveries } from './deliveries.ts'

/** What an application in JavaScript may pass as a backend. */
type Shape = { readonly [K in keyof Relay]?: unknown }

const valid: Shape = { name: 'own', maxMessageBytes: 1000, send: async () => ({}) }

/** A backend that need not conform to the types. */
function own(shape: Shape): Relay {
  return { ...valid, ...shape } as Relay
}

/** Returns the reply to a message for two recipients, and the events. */
async function deliver(relay: Relay, budget?: MemoryBudget): Promise<{ reply: HostReply; log: Delivery[] }> {
  const log: Delivery[] = []
  const rules = { hostname: 'relay.test', service: 'Relay', maxWaitMs: 0, ...(budget && { budget }) }
  const { message } = dispatcher(relay, rules, keepDeliveries(log))
  const sink = await message(
    {
      sender: { address: 'a@example.org', parameters: new Map() },
      recipients: ['b@example.org', 'c@example.org'].map(address => ({ address, parameters: new Map() })),
    },
    { address: '192.0.2.1', healthCheck: false, secure: false, extended: true, name: 'c', user: undefined },
  )
  assert.ok('deliver' in sink)
  await sink.write(Buffer.from('Subject: x\r\n\r\n'))
  return { reply: await sink.deliver(), log }
}

const receipts: readonly unknown[] = [undefined, null, 'id', {}, { messageId: {} }, { messageId: '\r\n' }]
for (const said of receipts) {
  test(`a message is accepted when send resolves, even with ${JSON.stringify(said) ?? 'nothing'}`, async () => {
    for (const maxRecipientsPerCall of [1, 2]) {
      const { reply } = await deliver(own({ maxRecipientsPerCall, send: async () => said }))
      assert.deepEqual(reply, { id: 'delivered', code: 250, status: '2.0.0', text: 'Ok' })
    }
  })
}

test('only the message ID of a receipt is reported', async () => {
  const receipt = { messageId: 'name', from: 'x', to: ['y'], error: 'z', type: 'message', ms: -1, ip: '::' }
  const { reply, log } = await deliver(own({ send: async () => receipt }))
  assert.equal((reply as { text: string }).text, 'Ok name')
  const [{ time: _, size: _size, durationMs, ...event } = assert.fail('there was no event')] = log
  assert.ok(durationMs !== undefined && durationMs >= 0)
  assert.deepEqual(event, {
    ip: '192.0.2.1',
    from: 'a@example.org',
    relay: 'own',
    to: ['b@example.org', 'c@example.org'],
    messageId: 'name',
  })
})

test('a Refused within a partial failure determines the reply', async () => {
  const send = async () => {
    throw new PartialFailure(new Map([['c@example.org', new Refused(550, '5.1.1', 'Nobody {text}')]]))
  }
  const { reply } = await deliver(own({ send }))
  assert.deepEqual(reply, { code: 550, status: '5.1.1', text: 'c@example.org: Nobody {text}' })
})

test("the name of a recipient in front of an error's message does not prevent its row from matching", async () => {
  const error = awsError('MessageRejected', 'Sending paused for this account')
  const send = async () => {
    throw new PartialFailure(new Map([['c@example.org', error]]))
  }
  const { reply } = await deliver(own({ send }))
  assert.equal((reply as { text: string }).text, 'Sending is paused, try again later')
})

test('a partial failure that names a recipient outside of the call is a failure of the whole call, and nothing is sent to that recipient', async () => {
  const calls: (readonly string[])[] = []
  for (const error of [throttled, new Refused(550, '5.1.1', 'Nobody')]) {
    const send = async ({ recipients }: Message) => {
      calls.push(recipients)
      throw new PartialFailure(new Map([['<c@example.org>', error]]))
    }
    const { reply, log } = await deliver(own({ send }))
    assert.equal((reply as { code: number }).code, 451)
    assert.deepEqual(
      log.map(({ to, error }) => [to.length, error]),
      [[2, 'Error: the PartialFailure names <c@example.org>, which is not a recipient of this call']],
    )
  }
  assert.deepEqual(new Set(calls.flat()), new Set(['b@example.org', 'c@example.org']))
})

test('an invalid partial failure is a failure of the whole call, and is reported', async () => {
  const send = async () => {
    throw new PartialFailure({ 'c@example.org': 'no' } as never)
  }
  const { reply, log } = await deliver(own({ send }))
  assert.equal((reply as { code: number }).code, 451)
  assert.deepEqual(log[0]?.to, ['b@example.org', 'c@example.org'])
  assert.match(log[0]?.error ?? '', /^TypeError/)
})

const invalid: readonly [Shape, string][] = [
  [{ name: undefined }, 'name has to be one word of ASCII'],
  [{ name: '' }, 'name has to be one word of ASCII'],
  [{ name: 'a\r\nb' }, 'name has to be one word of ASCII'],
  ...[undefined, null, '1000', 0, -1, 0.5, Number.NaN].map((maxMessageBytes): [Shape, string] => [
    { maxMessageBytes },
    'maxMessageBytes has to be a whole number, at least 1, or Infinity',
  ]),
  // Such numbers led to calls without recipients, or to calls without end.
  ...[null, 0, -1, 0.5, Number.NaN].map((maxRecipientsPerCall): [Shape, string] => [
    { maxRecipientsPerCall },
    'maxRecipientsPerCall has to be a whole number, at least 1, or Infinity',
  ]),
  [{ maxConcurrentCalls: 0 }, 'maxConcurrentCalls has to be a whole number, at least 1, or Infinity'],
  [{ send: undefined }, 'send has to be a function'],
  [{ content: {} }, 'content has to be a function'],
  [{ check: 'ok' }, 'check has to be a function'],
  [{ sendRate: 14 }, 'sendRate has to be a function'],
]
for (const [shape, sentence] of invalid) {
  const [part, value] = Object.entries(shape)[0]!
  test(`a backend is rejected if its ${part} is ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`, () => {
    const error = { name: 'TypeError', message: `The relay's ${sentence}` }
    assert.throws(
      () => dispatcher(own(shape), { hostname: 'relay.test', service: 'Relay' }, undefined),
      error,
    )
    assert.throws(() => worstCaseBytes(own(shape), 1000), error)
  })
}

test('limits of a backend may be Infinity', async () => {
  const none = Number.POSITIVE_INFINITY
  const { reply } = await deliver(
    own({ maxMessageBytes: none, maxRecipientsPerCall: none, maxConcurrentCalls: none }),
  )
  assert.equal((reply as { code: number }).code, 250)
})

test('a backend whose content cannot be created, started or finished holds no memory afterwards', async () => {
  const budget = new MemoryBudget({ totalBytes: 1000, largestBytes: 1000, maxWaitMs: 0 })
  const fail = () => {
    throw new Error('no content')
  }
  await assert.rejects(deliver(own({ content: fail }), budget), /no content/)
  const idle = { size: 0, memoryBytes: 0, memoryBytesWith: () => 600, add() {}, finish() {} }
  await assert.rejects(deliver(own({ content: () => ({ ...idle, add: fail }) }), budget), /no content/)
  const { reply } = await deliver(own({ content: () => ({ ...idle, finish: fail }) }), budget)
  assert.equal((reply as { code: number }).code, 451)
  // The next message gets all of the memory. If an older one were left, it would have to leave it free.
  assert.equal(budget.open().resize(1000), true)
  assert.equal(budget.open().resize(1) instanceof Promise, true)
})
