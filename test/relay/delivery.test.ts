import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Reply } from '../../src/protocol/index.ts'
import { type CallReport, DeliveryAgent, type DeliveryOptions } from '../../src/relay/delivery.ts'
import { classify } from '../../src/relay/errors/delivery-failure.ts'
import { RateLimiter } from '../../src/relay/limits/rate-limiter.ts'
import { type Message, PartialFailure, type Receipt } from '../../src/relay/relay.ts'
import { type Clock, systemClock } from '../../src/support/clock.ts'
import { FastClock } from '../support/fast-clock.ts'
import {
  awsError,
  Backend,
  brokenOff,
  type Deed,
  hold,
  messageTo,
  outOfOrder,
  people,
  quotaReached,
  rejected,
  throttled,
  turn,
} from './backend.ts'

const skipped = 'already delivered by an earlier attempt'

test('the second of three calls fails: the retry is sent only to the missing recipients', async () => {
  const backend = new Backend([{}, quotaReached])
  const { deliver } = withoutRetries(backend)
  const mail = messageTo(people(120))
  await assert.rejects(deliver(mail), failsLike(quotaReached))
  assert.deepEqual(backend.sizes, [50, 50])
  await deliver(messageTo(people(120)))
  assert.deepEqual(backend.sizes, [50, 50, 50, 20])
  backend.assertOnce(people(120))
})

test('a message that fails again and again is remembered until all recipients have it', async () => {
  const backend = new Backend([{}, quotaReached, quotaReached, {}, quotaReached])
  const { deliver } = withoutRetries(backend)
  for (const _ of [1, 2, 3]) await assert.rejects(deliver(messageTo(people(120))), failsLike(quotaReached))
  await deliver(messageTo(people(120)))
  assert.deepEqual(backend.sizes, [50, 50, 50, 50, 20, 20])
  backend.assertOnce(people(120))
})

test('the recipients of a retry may be in another order', async () => {
  const backend = new Backend([{}, quotaReached])
  const { deliver } = withoutRetries(backend)
  await assert.rejects(deliver(messageTo(people(60))))
  await deliver(messageTo(people(60).reverse()))
  backend.assertOnce(people(60))
})

for (const [what, said, receipt] of [
  ['nothing', undefined, {}],
  ['null', null, {}],
  ['a number', 42, {}],
  ['a receipt without a name', { messageId: null }, {}],
  ['a number as the name', { messageId: 42 }, { messageId: '42' }],
  ['more than a receipt', { messageId: 'a', to: [], error: 'x' }, { messageId: 'a' }],
] as const) {
  test(`a backend that resolves with ${what} has accepted the message, and only a valid ID is reported`, async () => {
    const { deliver, calls } = setUp([() => said as Receipt])
    assert.deepEqual(await deliver(messageTo(people(2))), receipt)
    assert.deepEqual(calls, [{ to: people(2), durationMs: 0, ...receipt }])
  })
}

test("only the message ID of a partial failure's receipt is reported", async () => {
  const { deliver, calls } = setUp([
    () => {
      throw new PartialFailure(new Map([[people(2)[0]!, rejected]]), { messageId: 42, error: 'x' } as never)
    },
  ])
  await assert.rejects(deliver(messageTo(people(2))))
  assert.deepEqual(calls[0], { to: people(2).slice(1), durationMs: 0, messageId: '42' })
})

test('a partial failure that names a stranger is a failure for all recipients', async () => {
  const { deliver, calls } = setUp([
    () => {
      throw new PartialFailure(new Map([[people(1)[0]!.toUpperCase(), rejected]]), { messageId: 'a' })
    },
  ])
  await assert.rejects(deliver(messageTo(people(2))), { code: 451 })
  const error = 'Error: the PartialFailure names PERSON-0@EXAMPLE.ORG, which is not a recipient of this call'
  assert.deepEqual(calls, [{ to: people(2), durationMs: 0, error }])
})

const others: Record<string, Message> = {
  'other content': messageTo(people(60), 'Subject: y\r\n\r\nbody\r\n'),
  'another sender': { ...messageTo(people(60)), sender: 'mallory@example.org' },
}
for (const [name, other] of Object.entries(others)) {
  test(`a message with ${name} is another message`, async () => {
    const backend = new Backend([{}, quotaReached])
    const { deliver } = withoutRetries(backend)
    await assert.rejects(deliver(messageTo(people(60))))
    await deliver(other)
    assert.deepEqual(backend.sizes.slice(2), [50, other.recipients.length - 50])
  })
}

for (const count of [40, 51, 59, 61, 130]) {
  test(`a retry to ${count} recipients instead of 60: no recipient gets the message twice`, async () => {
    const backend = new Backend([{}, quotaReached])
    const { deliver } = withoutRetries(backend)
    await assert.rejects(deliver(messageTo(people(60))))
    await deliver(messageTo(people(count)))
    backend.assertOnce(people(Math.max(50, count)))
  })
}

test('the client retries with two messages of one call each: each recipient gets it once', async () => {
  const backend = new Backend([{}, quotaReached])
  const { deliver } = withoutRetries(backend)
  await assert.rejects(deliver(messageTo(people(60))))
  await deliver(messageTo(people(60).slice(0, 30)))
  await deliver(messageTo(people(60).slice(30)))
  backend.assertOnce(people(60))
})

test('all recipients have the message already: the client gets 250, no call is made, and the log says why', async () => {
  const { deliver, backend, calls } = setUp([{}, quotaReached], { maxWaitMs: 0 })
  await assert.rejects(deliver(messageTo(people(60))))
  calls.length = 0
  assert.deepEqual(await deliver(messageTo(people(50))), {})
  assert.equal(backend.messages.length, 2)
  assert.deepEqual(calls, [{ to: people(50), skipped }])
  await deliver(messageTo(people(50)))
  assert.deepEqual(backend.sizes, [50, 10, 50], 'after a yes it is a new message')
})

test('recipients that are left out are reported before the calls for the others, each time', async () => {
  const { deliver, calls } = setUp([{}, quotaReached, quotaReached], { maxWaitMs: 0 })
  await assert.rejects(deliver(messageTo(people(60))))
  calls.length = 0
  await assert.rejects(deliver(messageTo(people(60))))
  await deliver(messageTo(people(60)))
  const error = 'Throttling: Daily message quota exceeded.'
  assert.deepEqual(calls, [
    { to: people(50), skipped },
    { to: people(60).slice(50), durationMs: 0, error },
    { to: people(50), skipped },
    { to: people(60).slice(50), durationMs: 0 },
  ])
})

test('after a 5xx the same message is a new one: 250 means that the backend has it for every recipient', async () => {
  const { deliver, backend, calls } = setUp([{}, rejected], { maxWaitMs: 0 })
  await assert.rejects(deliver(messageTo(people(60))), failsLike(rejected))
  await deliver(messageTo(people(60)))
  assert.deepEqual(backend.sizes, [50, 10, 50, 10])
  assert.ok(calls.every(call => call.skipped === undefined))
})

test('the partial delivery of another client does not affect this one', async () => {
  const { deliver, backend } = setUp([{}, quotaReached], { maxWaitMs: 0 })
  await assert.rejects(deliver(messageTo(people(60))))
  await deliver(messageTo(people(50)), 'network 192.0.2.8')
  assert.deepEqual(backend.sizes, [50, 10, 50])
  await deliver(messageTo(people(60)))
  assert.deepEqual(backend.sizes, [50, 10, 50, 10])
})

test('the same message to other recipients is delivered while it is remembered', async () => {
  const backend = new Backend([{}, quotaReached])
  const { deliver } = withoutRetries(backend)
  await assert.rejects(deliver(messageTo(people(60))))
  const strangers = people(10).map(person => `other-${person}`)
  await deliver(messageTo(strangers))
  await deliver(messageTo(people(60)))
  backend.assertOnce([...people(60), ...strangers])
})

test('a message that was delivered to all recipients and is sent again is delivered again', async () => {
  const backend = new Backend()
  const { deliver } = withoutRetries(backend)
  for (const _ of [1, 2]) await deliver(messageTo(people(60)))
  assert.deepEqual(backend.sizes, [50, 10, 50, 10])
})

test('so is a message that needed a retry', async () => {
  const backend = new Backend([{}, quotaReached])
  const { deliver } = withoutRetries(backend)
  await assert.rejects(deliver(messageTo(people(60))))
  for (const _ of [1, 2]) await deliver(messageTo(people(60)))
  assert.deepEqual(backend.sizes, [50, 10, 10, 50, 10])
})

test('a message for one call does not wait for an identical one: it may be another alert', async () => {
  const first = hold<Receipt>()
  const backend = new Backend([first.promise])
  const { deliver } = withoutRetries(backend)
  const slow = deliver(messageTo(people(50)))
  await deliver(messageTo(people(50)))
  first.release({})
  await slow
  assert.deepEqual(backend.sizes, [50, 50])
})

test('two clients send the same message at the same time and get 250: each of the two goes to all recipients', async () => {
  const first = hold<Receipt>()
  const { deliver, backend, calls } = setUp([first.promise], { clock: systemClock })
  const both = [deliver(messageTo(people(60))), deliver(messageTo(people(60)))]
  await turn()
  assert.deepEqual(backend.sizes, [50])
  first.release({ messageId: 'a' })
  await Promise.all(both)
  assert.deepEqual(backend.sizes, [50, 10, 50, 10])
  assert.ok(calls.every(call => call.skipped === undefined))
})

test('the same message at the same time, and the first client gets 5xx: the second message goes to all', async () => {
  const first = hold<Receipt>()
  const { deliver, backend } = setUp([first.promise, rejected], { clock: systemClock })
  const refused = assert.rejects(deliver(messageTo(people(60))), failsLike(rejected))
  const other = deliver(messageTo(people(60)))
  await turn()
  first.release({})
  await refused
  await other
  assert.deepEqual(backend.sizes, [50, 10, 50, 10])
})

test('the first client leaves while its message is in flight: the same message is a retry, and each recipient gets it once', async () => {
  const first = hold<Receipt>()
  const { deliver, backend, calls } = setUp([first.promise], { clock: systemClock })
  let gone = false
  const both = [deliver(messageTo(people(60)), undefined, () => gone), deliver(messageTo(people(60)))]
  await turn()
  assert.deepEqual(backend.sizes, [50])
  gone = true
  first.release({ messageId: 'a' })
  await Promise.all(both)
  backend.assertOnce(people(60))
  assert.deepEqual(calls.at(-1), { to: people(60), skipped })
})

test('the first client leaves before a 5xx: the same message goes to the missing recipients', async () => {
  const first = hold<Receipt>()
  const { deliver, backend } = setUp([first.promise, rejected], { clock: systemClock })
  const refused = assert.rejects(
    deliver(messageTo(people(60)), undefined, () => true),
    failsLike(rejected),
  )
  const other = deliver(messageTo(people(60)))
  await turn()
  first.release({})
  await refused
  await other
  assert.deepEqual(backend.sizes, [50, 10, 10])
  backend.assertOnce(people(60))
})

test('a client that never waits for replies may send equal messages, one after the other', async () => {
  const { deliver, backend } = setUp([])
  for (const _ of [1, 2]) await deliver(messageTo(people(60)), undefined, () => true)
  assert.deepEqual(backend.sizes, [50, 10, 50, 10])
})

test('a client that left before a 4xx sends the message again: it is a retry', async () => {
  const { deliver, backend } = setUp([{}, quotaReached], { maxWaitMs: 0 })
  await assert.rejects(deliver(messageTo(people(60)), undefined, () => true))
  await deliver(messageTo(people(60)))
  assert.deepEqual(backend.sizes, [50, 10, 10])
})

test('the first client leaves, and the same message has other recipients: it waits, then goes to the missing ones', async () => {
  const first = hold<Receipt>()
  const { deliver, backend } = setUp([first.promise], { clock: systemClock })
  const all = [
    deliver(messageTo(people(60)), undefined, () => true),
    deliver(messageTo(people(62).slice(40))),
  ]
  await turn()
  assert.deepEqual(backend.sizes, [50])
  first.release({})
  await Promise.all(all)
  assert.deepEqual(backend.sizes, [50, 10, 2])
  backend.assertOnce(people(62))
})

test('an identical message is in flight for longer than the wait: 451, which is reported, and not remembered', async () => {
  const first = hold<Receipt>()
  const { deliver, backend, calls, clock } = setUp([first.promise], { maxWaitMs: 5_000 })
  const slow = deliver(messageTo(people(60)))
  await assert.rejects(deliver(messageTo(people(60))), failsLike(named('DuplicateInFlight')))
  assert.equal(clock.now(), 5_000)
  const error = 'DuplicateInFlight: an earlier attempt to send the same message is still in flight'
  assert.deepEqual(calls, [{ to: people(60), durationMs: 0, error }])
  first.release({})
  await slow
  await deliver(messageTo(people(60)))
  assert.deepEqual(backend.sizes, [50, 10, 50, 10])
})

test('the first client leaves, and its retry gets 451 because the first attempt is in flight: the next one is a retry, too', async () => {
  const first = hold<Receipt>()
  const { deliver, backend } = setUp([first.promise], { maxWaitMs: 5_000 })
  const slow = deliver(messageTo(people(60)), undefined, () => true)
  await assert.rejects(deliver(messageTo(people(60))), failsLike(named('DuplicateInFlight')))
  first.release({})
  await slow
  await deliver(messageTo(people(60)))
  backend.assertOnce(people(60))
})

test('the same content to disjoint recipients is sent at once, in any number of messages', async () => {
  const { deliver, backend } = setUp([], { clock: systemClock })
  backend.expect(Array.from({ length: 60 }, () => turn().then(() => ({}))))
  const all = people(1800)
  await Promise.all(Array.from({ length: 30 }, (_, n) => deliver(messageTo(all.slice(n * 60, n * 60 + 60)))))
  assert.deepEqual(
    backend.sizes.slice(0, 30),
    Array(30).fill(50),
    'every first call comes before a second one',
  )
  backend.assertOnce(all)
})

test('the wait for an identical message counts towards the wait of the message', async () => {
  const first = hold<Receipt>()
  const clock = new FastClock()
  const { deliver } = setUp([first.promise, {}, ...Array(9).fill(throttled)], {
    clock,
    maxWaitMs: 5_000,
  })
  const slow = deliver(messageTo(people(60)))
  const waiting = deliver(messageTo(people(61)))
  void clock.sleep(4_900).then(() => first.release({}))
  await slow
  await assert.rejects(waiting, failsLike(throttled))
  assert.ok(clock.now() <= 5_000, `${clock.now()}`)
})

test('the same message three times at the same time, and each client gets 4xx or leaves: each continues after the one before', async () => {
  const second = hold<Receipt>()
  const { deliver, backend } = setUp([{}, second.promise], { clock: systemClock })
  const all = Promise.allSettled(
    [1, 2, 3].map(nth => deliver(messageTo(people(60)), undefined, () => nth === 2)),
  )
  await turn()
  assert.deepEqual(backend.sizes, [50, 10])
  second.fail(quotaReached)
  assert.deepEqual(
    (await all).map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  )
  assert.deepEqual(backend.sizes, [50, 10, 10])
  backend.assertOnce(people(60))
})

const passing = {
  'a throttled rate': throttled,
  'a 503 of AWS': outOfOrder,
  'a 429 of AWS': awsError('TooManyRequestsException', 'Too many requests', 429),
}
for (const [name, error] of Object.entries(passing)) {
  test(`${name} is retried before the deadline, and every try is reported`, async () => {
    const { clock, calls, deliver, backend } = setUp([error, error, { messageId: 'a' }])
    assert.deepEqual(await deliver(messageTo(people(1))), { messageId: 'a' })
    assert.equal(backend.messages.length, 3)
    assert.deepEqual(
      calls.map(call => [call.error === undefined, call.to.length]),
      [
        [false, 1],
        [false, 1],
        [true, 1],
      ],
    )
    const [first, second] = clock.sleeps
    assert.ok(first! >= 250 && first! <= 500, `${first}`)
    assert.ok(second! >= 500 && second! <= 1000, `${second}`)
  })
}

const lasting = {
  'the daily quota': quotaReached,
  'a rejected message': rejected,
  'a connection that broke': brokenOff,
  'no answer in time': Object.assign(new Error('no answer within 60000 ms'), { name: 'TimeoutError' }),
  "a proxy's 429": awsError('Unknown', '', 429),
  "a proxy's 500": awsError('Unknown', '', 500),
  "a proxy's 502": awsError('Error', '@aws-sdk XML parse error: no root element.', 502),
  "a proxy's 503": awsError('SyntaxError', 'Unexpected token <', 503),
  "a proxy's 504": awsError('Unknown', '', 504),
  'an unknown error': new TypeError('x'),
}
for (const [name, error] of Object.entries(lasting)) {
  test(`${name} is not retried`, async () => {
    const { clock, deliver, backend } = setUp([error])
    await assert.rejects(deliver(messageTo(people(1))), failsLike(error))
    assert.equal(backend.messages.length, 1)
    assert.deepEqual(clock.sleeps, [])
  })
}

test('the number of tries is limited', async () => {
  const { clock, deliver, backend } = setUp(Array.from({ length: 9 }, () => throttled))
  await assert.rejects(deliver(messageTo(people(1))), failsLike(throttled))
  assert.equal(backend.messages.length, 5)
  assert.ok(clock.now() <= 7_500)
})

test('the wait is limited for the whole message, and with a limit of 0 there is one try', async () => {
  const impatient = setUp([throttled], { maxWaitMs: 0 })
  await assert.rejects(impatient.deliver(messageTo(people(1))), failsLike(throttled))
  assert.equal(impatient.backend.messages.length, 1)

  const failing = Array.from({ length: 40 }, (_, n) => (n % 4 === 3 ? {} : throttled))
  const { clock, deliver } = setUp(failing, { maxWaitMs: 4_000 })
  await assert.rejects(deliver(messageTo(people(500))), failsLike(throttled))
  assert.ok(clock.now() <= 4_000)
})

test('after a partial failure only the missing recipients are retried', async () => {
  const backend = new Backend([], { answersPerRecipient: true })
  const part = backend.partly(recipient =>
    recipient.startsWith('person-1') ? undefined : named('THROTTLED'),
  )
  const { deliver, calls } = setUp([part], { backend })
  await deliver(messageTo(people(12)))
  backend.assertOnce(people(12))
  assert.deepEqual(
    calls.map(({ to, error, messageId }) => [to.length, error, messageId]),
    [
      [3, undefined, 'part'],
      [9, 'THROTTLED: x', undefined],
      [9, undefined, undefined],
    ],
  )
})

test("after a partial failure the client's retry goes only to the missing recipients", async () => {
  const backend = new Backend([], { answersPerRecipient: true })
  const part = backend.partly(recipient =>
    recipient === 'person-1@example.org' ? undefined : named('TEMPORARY_FAILURE'),
  )
  const { deliver } = setUp([part], { backend })
  await assert.rejects(deliver(messageTo(people(3))))
  await deliver(messageTo(people(3)))
  backend.assertOnce(people(3))
})

test('each recipient is reported with its own error, and only those with a retryable error are retried', async () => {
  const backend = new Backend([], { answersPerRecipient: true })
  const errors: Record<string, Error> = {
    'person-0@example.org': named('PERMANENT_FAILURE'),
    'person-1@example.org': named('THROTTLED'),
    'person-2@example.org': named('OPT_OUT'),
    'person-3@example.org': named('THROTTLED'),
  }
  const part = backend.partly(recipient => errors[recipient])
  const { deliver, calls } = setUp([part], { backend })
  await assert.rejects(deliver(messageTo(people(5))), { code: 550 })
  assert.deepEqual(
    calls.map(({ to, error }) => [to.map(person => person.slice(7, 8)).join(), error]),
    [
      ['4', undefined],
      ['0', 'PERMANENT_FAILURE: x'],
      ['1,3', 'THROTTLED: x'],
      ['2', 'OPT_OUT: x'],
      ['1,3', undefined],
    ],
  )
})

test('one recipient with a permanent failure does not stop the later calls', async () => {
  const backend = new Backend([], { answersPerRecipient: true })
  const part = backend.partly(recipient =>
    recipient === 'person-3@example.org' ? named('PERMANENT_FAILURE') : undefined,
  )
  const { deliver } = setUp([part], { backend })
  await assert.rejects(deliver(messageTo(people(120))), {
    code: 554,
    message: 'Message rejected: person-3@example.org: x',
  })
  assert.deepEqual(backend.sizes, [50, 50, 20])
  backend.assertOnce(people(120).filter(person => person !== 'person-3@example.org'))
})

test('a temporary failure determines the reply before a permanent one, so that the client retries', async () => {
  const backend = new Backend([], { answersPerRecipient: true })
  const part = backend.partly(recipient =>
    recipient === 'person-0@example.org'
      ? named('PERMANENT_FAILURE')
      : recipient === 'person-1@example.org'
        ? named('TEMPORARY_FAILURE')
        : undefined,
  )
  const { deliver } = setUp([part], { backend })
  await assert.rejects(deliver(messageTo(people(60))), { code: 451 })
  assert.deepEqual(backend.sizes, [50])
})

test("calls beyond the backend's limit wait, in the order of the messages", async () => {
  const first = hold<Receipt>()
  const backend = new Backend([first.promise], { maxConcurrentCalls: 1 })
  const { deliver } = setUp([], { backend, clock: systemClock })
  const all = [1, 2, 3].map(count => deliver(messageTo(people(count), `Subject: ${count}`)))
  await turn()
  assert.deepEqual(backend.sizes, [1])
  first.release({})
  await Promise.all(all)
  assert.deepEqual(backend.sizes, [1, 2, 3])
})

test('a call that waits too long for a permit is TooManyCalls, reported with a duration of 0', async () => {
  const first = hold<Receipt>()
  const backend = new Backend([first.promise], { maxConcurrentCalls: 1 })
  const { deliver, calls } = setUp([], { backend, maxWaitMs: 5_000 })
  const slow = deliver(messageTo(people(1)))
  await assert.rejects(deliver(messageTo(people(2))), failsLike(named('TooManyCalls')))
  assert.deepEqual(calls, [
    {
      to: people(2),
      durationMs: 0,
      error: 'TooManyCalls: all of the 1 concurrent calls that are allowed are in use',
    },
  ])
  first.release({})
  await slow
})

test('a call waits for the rate limiter, and the wait is not part of its duration', async () => {
  const clock = new FastClock()
  const { deliver, backend, calls } = setUp([], { clock, rateLimiter: new RateLimiter(10, clock) })
  for (const _ of [1, 2, 3]) await deliver(messageTo(people(10)))
  assert.deepEqual(backend.times, [0, 1000, 2000])
  assert.ok(calls.every(({ durationMs }) => durationMs === 0))
})

test('a rate limiter that would delay a message beyond the deadline fails it at once, and that is reported', async () => {
  const clock = new FastClock()
  const { deliver, backend, calls } = setUp([], {
    clock,
    rateLimiter: new RateLimiter(1, clock),
    maxWaitMs: 5_000,
  })
  await deliver(messageTo(people(50)))
  await assert.rejects(deliver(messageTo(people(1))), failsLike(named('SendRateExceeded')))
  assert.deepEqual(clock.sleeps, [])
  assert.equal(backend.messages.length, 1)
  assert.match(
    calls[1]!.error!,
    /^SendRateExceeded: the limit of 1 recipients per second is used up for the next 50 s$/,
  )
})

test('100,000 recipients with one error: the error is classified once', async () => {
  const recipients = people(100_000)
  let classified = 0
  const error = counting(new Error(), 'disk full', () => classified++)
  const backend = new Backend([error], { perCall: 100_000 })
  const { deliver, calls } = setUp([], { backend })
  await assert.rejects(deliver(messageTo(recipients)), { code: 451 })
  assert.equal(classified, 1)
  assert.deepEqual(calls, [{ to: recipients, durationMs: 0, error: 'Error: disk full' }])
})

test('100,000 recipients with two errors: each of the errors is classified once', async () => {
  let classified = 0
  const [even, odd] = ['PERMANENT_FAILURE', 'TEMPORARY_FAILURE'].map(name =>
    counting(named(name), 'x', () => classified++),
  )
  const recipients = people(100_000)
  const backend = new Backend([], { perCall: 100_000, answersPerRecipient: true })
  const part = backend.partly(recipient => (Number(/\d+/.exec(recipient)) % 2 === 0 ? even : odd))
  const { deliver, calls } = setUp([part], { backend })
  await assert.rejects(deliver(messageTo(recipients)), { code: 451 })
  assert.equal(classified, 2)
  assert.deepEqual(
    calls.map(({ to, error }) => [to.length, error]),
    [
      [50_000, 'PERMANENT_FAILURE: x'],
      [50_000, 'TEMPORARY_FAILURE: x'],
    ],
  )
})

test('100,000 recipients with an error each: each of the errors is classified once', async () => {
  let classified = 0
  const backend = new Backend([], { perCall: 100_000, answersPerRecipient: true })
  const part = backend.partly(() => counting(named('TEMPORARY_FAILURE'), 'x', () => classified++))
  const { deliver } = setUp([part], { backend })
  await assert.rejects(deliver(messageTo(people(100_000))), { code: 451 })
  assert.equal(classified, 100_000)
})

/** The result of a call in the properties below: a name, or a number that selects the accepted recipients. */
type Fate =
  | 'taken'
  | 'throttled'
  | 'out of order'
  | 'quota'
  | 'rejected'
  | 'lost unread'
  | 'lost read'
  | number
const fate: fc.Arbitrary<Fate> = fc.oneof(
  fc.constantFrom<Fate>(
    'taken',
    'throttled',
    'out of order',
    'quota',
    'rejected',
    'lost unread',
    'lost read',
  ),
  fc.integer({ min: 1, max: 1000 }),
)

test('whatever fails, with a client that retries until 250 or 5xx: no recipient twice, and all after a 250', async () => {
  const setting = fc.record({
    count: fc.integer({ min: 1, max: 130 }),
    fates: fc.array(fate, { maxLength: 25 }),
    perRecipient: fc.boolean(),
    maxWaitMs: fc.constantFrom(0, 20_000),
    /** How many of the client's tries run at once: it has left all but the latest. */
    haste: fc.integer({ min: 1, max: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(setting, async ({ count, fates, perRecipient, maxWaitMs, haste }) => {
      /** The recipients of which the server cannot know whether they have the message. */
      const unknown = new Set<string>()
      const backend = new Backend([], { answersPerRecipient: perRecipient })
      const deeds = fates.map((fate): Deed => deedOf(fate, backend, unknown))
      const { deliver } = setUp(deeds, { backend, maxWaitMs })
      // A message of a single call is not remembered: two at the same time are two messages.
      const tries = perRecipient ? count > 1 : count > 50
      let heard: readonly number[] = []
      while (!heard.some(code => code < 400 || code >= 500)) {
        const atOnce = tries ? haste : 1
        const answers = Array.from({ length: atOnce }, (_, n) =>
          codeOf(deliver(messageTo(people(count)), undefined, () => n < atOnce - 1)),
        )
        heard = (await Promise.all(answers)).slice(-1)
      }
      for (const person of people(count)) {
        const copies = backend.received.get(person) ?? 0
        assert.ok(copies >= 1 || !heard.includes(250), `${person} has none`)
        assert.ok(copies <= 1 || unknown.has(person), `${person} has ${copies}`)
      }
    }),
    { numRuns: 300 },
  )
})

test('whatever fails, each 250 that a client gets stands for one copy for every recipient', async () => {
  const setting = fc.record({
    count: fc.integer({ min: 51, max: 130 }),
    fates: fc.array(fate, { maxLength: 25 }),
    perRecipient: fc.boolean(),
    maxWaitMs: fc.constantFrom(0, 20_000),
    /** Rounds of attempts at once; of each, whether its client stays. */
    rounds: fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
  })
  await fc.assert(
    fc.asyncProperty(setting, async ({ count, fates, perRecipient, maxWaitMs, rounds }) => {
      const backend = new Backend([], { answersPerRecipient: perRecipient })
      const deeds = fates.map((fate): Deed => deedOf(fate, backend, new Set()))
      const { deliver } = setUp(deeds, { backend, maxWaitMs })
      let accepted = 0
      for (const round of rounds) {
        const answers = round.map(async stays => {
          const code = await codeOf(deliver(messageTo(people(count)), undefined, () => !stays))
          if (stays && code === 250) accepted++
        })
        await Promise.all(answers)
      }
      for (const person of people(count)) {
        const copies = backend.received.get(person) ?? 0
        assert.ok(copies >= accepted, `${person} has ${copies}, and ${accepted} were answered 250`)
      }
    }),
    { numRuns: 300 },
  )
})

test('whatever fails, with a client that retries in any parts: no recipient twice, and all after a 250', async () => {
  const setting = fc.record({
    count: fc.integer({ min: 51, max: 130 }),
    fates: fc.array(fate, { maxLength: 25 }),
    perRecipient: fc.boolean(),
    /** Where the client cuts what it has not heard yes for, try by try. */
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 10 }),
  })
  await fc.assert(
    fc.asyncProperty(setting, async ({ count, fates, perRecipient, cuts }) => {
      const unknown = new Set<string>()
      const backend = new Backend([], { answersPerRecipient: perRecipient })
      const { deliver } = setUp(
        fates.map((fate): Deed => deedOf(fate, backend, unknown)),
        { backend, maxWaitMs: 0 },
      )
      let parts: readonly (readonly string[])[] = [people(count)]
      const served = new Set<string>()
      for (let tries = 0; parts.length > 0; tries++) {
        const cut = cuts[tries % cuts.length]!
        const refused: string[][] = []
        for (const part of parts) {
          const code = await codeOf(deliver(messageTo(part)))
          const middle = Math.floor(part.length * cut)
          if (code === 250) for (const person of part) served.add(person)
          else if (code < 500) refused.push(part.slice(0, middle), part.slice(middle))
        }
        parts = refused.filter(part => part.length > 0)
      }
      for (const person of people(count)) {
        const copies = backend.received.get(person) ?? 0
        assert.ok(copies >= 1 || !served.has(person), `${person} has none`)
        assert.ok(copies <= 1 || unknown.has(person), `${person} has ${copies}`)
      }
    }),
    { numRuns: 300 },
  )
})

function codeOf(delivery: Promise<Receipt>): Promise<number> {
  return delivery.then(
    () => 250,
    ({ code }: DeliveryFailed) => code,
  )
}

function deedOf(fate: Fate, backend: Backend, unknown: Set<string>): Deed {
  if (typeof fate === 'number' && backend.answersPerRecipient) {
    return backend.partly(recipient =>
      (Number(/\d+/.exec(recipient)) * fate) % 7 < 3
        ? undefined
        : named(Number(/\d/.exec(recipient)) % 3 === fate % 3 ? 'PERMANENT_FAILURE' : 'THROTTLED'),
    )
  }
  switch (fate) {
    case 'throttled':
      return throttled
    case 'out of order':
      return outOfOrder
    case 'quota':
      return quotaReached
    case 'rejected':
      return rejected
    case 'lost unread':
      return brokenOff
    case 'lost read':
      return ({ recipients }) => {
        backend.take(recipients)
        for (const recipient of recipients) unknown.add(recipient)
        throw brokenOff
      }
    default:
      return {}
  }
}

/** An agent that does not retry. */
function withoutRetries(backend: Backend) {
  const { deliver } = setUp([], { backend, maxWaitMs: 0 })
  return { deliver }
}

/** An agent with a clock on which time passes at once, unless there is another clock, and the reports of its calls. */
function setUp<C extends Clock = FastClock>(
  deeds: readonly Deed[],
  options: DeliveryOptions & { readonly backend?: Backend; readonly clock?: C } = {},
) {
  const { clock = new FastClock() as Clock as C, ...settings } = options
  const backend = options.backend ?? new Backend(deeds, { clock })
  if (options.backend) backend.expect(deeds)
  const calls: CallReport[] = []
  const agent = new DeliveryAgent(backend, { ...settings, clock })
  const deliver = async (
    message: Message,
    client = 'network 192.0.2.7',
    isGone?: () => boolean,
  ): Promise<Receipt> => {
    const result = await agent.deliver(message, client, call => calls.push(call), isGone)
    if (result.type === 'failed') throw new DeliveryFailed(result.reply)
    return result.receipt
  }
  return { clock, backend, calls, deliver }
}

/** A failed delivery as a rejection, so that a test cannot overlook it. */
class DeliveryFailed extends Error {
  readonly code: number

  constructor({ code, text }: Reply) {
    super(String(text))
    this.code = code
  }
}

/** What a delivery rejects with if this error concerns all of its recipients. */
function failsLike(error: Error) {
  const { code, text } = classify(error).reply
  return { code, message: String(text) }
}

function named(name: string): Error {
  return Object.assign(new Error('x'), { name })
}

/** Calls `onRead` whenever the error's message is read: to classify an error reads it exactly once. */
function counting(error: Error, message: string, onRead: () => void): Error {
  return Object.defineProperty(error, 'message', {
    get() {
      onRead()
      return message
    },
  })
}
