import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Call, Courier, type Manner } from '../../src/relay/courier.ts'
import { Pace } from '../../src/relay/pace.ts'
import type { Mail, Receipt } from '../../src/relay/relay.ts'
import {
  awsError,
  Backend,
  brokenOff,
  type Deed,
  hold,
  mailTo,
  outOfOrder,
  people,
  quotaReached,
  rejected,
  throttled,
  turn,
} from './backend.ts'
import { FastClock } from './fast-clock.ts'

test('the second of three calls fails: sent again, only the missing recipients are sent', async () => {
  const backend = new Backend([{}, rejected])
  const { deliver } = courier(backend)
  const mail = mailTo(people(120))
  await assert.rejects(deliver(mail), rejected)
  assert.deepEqual(backend.sizes, [50, 50])
  await deliver(mailTo(people(120)))
  assert.deepEqual(backend.sizes, [50, 50, 50, 20])
  backend.assertOnce(people(120))
})

test('a mail that fails again and again is forgotten only when it is whole', async () => {
  const backend = new Backend([{}, rejected, rejected, {}, rejected])
  const { deliver } = courier(backend)
  for (const _ of [1, 2, 3]) await assert.rejects(deliver(mailTo(people(120))), rejected)
  await deliver(mailTo(people(120)))
  assert.deepEqual(backend.sizes, [50, 50, 50, 50, 20, 20])
  backend.assertOnce(people(120))
})

test('the recipients may come in another order', async () => {
  const backend = new Backend([{}, rejected])
  const { deliver } = courier(backend)
  await assert.rejects(deliver(mailTo(people(60))))
  await deliver(mailTo(people(60).reverse()))
  backend.assertOnce(people(60))
})

const others: Record<string, Mail> = {
  'other content': mailTo(people(60), 'Subject: y\r\n\r\nbody\r\n'),
  'another sender': { ...mailTo(people(60)), sender: 'mallory@example.org' },
  'fewer recipients': mailTo(people(59)),
  'more recipients': mailTo(people(61)),
}
for (const [name, other] of Object.entries(others)) {
  test(`a mail with ${name} is another mail`, async () => {
    const backend = new Backend([{}, rejected])
    const { deliver } = courier(backend)
    await assert.rejects(deliver(mailTo(people(60))))
    await deliver(other)
    assert.deepEqual(backend.sizes.slice(2), [50, other.recipients.length - 50])
  })
}

test('a mail that was delivered whole and comes again is delivered again', async () => {
  const backend = new Backend()
  const { deliver } = courier(backend)
  for (const _ of [1, 2]) await deliver(mailTo(people(60)))
  assert.deepEqual(backend.sizes, [50, 10, 50, 10])
})

test('so is one that needed a second try', async () => {
  const backend = new Backend([{}, rejected])
  const { deliver } = courier(backend)
  await assert.rejects(deliver(mailTo(people(60))))
  for (const _ of [1, 2]) await deliver(mailTo(people(60)))
  assert.deepEqual(backend.sizes, [50, 10, 10, 50, 10])
})

test('a mail for few recipients is never held back by its like', async () => {
  const first = hold<Receipt>()
  const backend = new Backend([first.promise])
  const { deliver } = courier(backend)
  const slow = deliver(mailTo(people(50)))
  await deliver(mailTo(people(50)))
  first.release({})
  await slow
  assert.deepEqual(backend.sizes, [50, 50])
})

test('the same mail while the first is under way: it waits, and shares a success', async () => {
  const first = hold<Receipt>()
  const backend = new Backend([first.promise])
  const { deliver } = courier(backend)
  const both = [deliver(mailTo(people(60))), deliver(mailTo(people(60)))]
  await turn()
  assert.deepEqual(backend.sizes, [50])
  first.release({ messageId: 'a' })
  assert.deepEqual(await Promise.all(both), [{ messageId: 'a' }, { messageId: 'a' }])
  backend.assertOnce(people(60))
})

test('the same mail while the first is under way: it goes on where that one failed', async () => {
  const second = hold<Receipt>()
  const backend = new Backend([{}, second.promise])
  const { deliver } = courier(backend)
  const all = Promise.allSettled([1, 2, 3].map(() => deliver(mailTo(people(60)))))
  await turn()
  assert.deepEqual(backend.sizes, [50, 10])
  second.fail(rejected)
  assert.deepEqual(
    (await all).map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  )
  assert.deepEqual(backend.sizes, [50, 10, 10])
  backend.assertOnce(people(60))
})

const passing = { 'a throttled rate': throttled, 'a 503': outOfOrder, 'a 429': awsError('Unknown', '', 429) }
for (const [name, error] of Object.entries(passing)) {
  test(`${name} is tried again within the patience, and every try is told`, async () => {
    const { clock, calls, deliver, backend } = rehearse([error, error, { messageId: 'a' }])
    assert.deepEqual(await deliver(mailTo(people(1))), { messageId: 'a' })
    assert.equal(backend.mails.length, 3)
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
  "a proxy's 504": awsError('Unknown', '', 504),
  'an error of nobody': new TypeError('x'),
}
for (const [name, error] of Object.entries(lasting)) {
  test(`${name} is not tried again`, async () => {
    const { clock, deliver, backend } = rehearse([error])
    await assert.rejects(deliver(mailTo(people(1))), error)
    assert.equal(backend.mails.length, 1)
    assert.deepEqual(clock.sleeps, [])
  })
}

test('tries are few', async () => {
  const { clock, deliver, backend } = rehearse(Array.from({ length: 9 }, () => throttled))
  await assert.rejects(deliver(mailTo(people(1))), throttled)
  assert.equal(backend.mails.length, 5)
  assert.ok(clock.now() <= 7_500)
})

test('the patience is for the whole mail, and without it there is one try', async () => {
  const impatient = rehearse([throttled], { patienceMs: 0 })
  await assert.rejects(impatient.deliver(mailTo(people(1))), throttled)
  assert.equal(impatient.backend.mails.length, 1)

  const failing = Array.from({ length: 40 }, (_, n) => (n % 4 === 3 ? {} : throttled))
  const { clock, deliver } = rehearse(failing, { patienceMs: 4_000 })
  await assert.rejects(deliver(mailTo(people(500))), throttled)
  assert.ok(clock.now() <= 4_000)
})

test('of a call that was accepted in part only the missing recipients are tried again', async () => {
  const backend = new Backend([], { answersPerRecipient: true })
  const part = backend.partly(recipient => recipient.startsWith('person-1'), named('THROTTLED'))
  const { deliver, calls } = rehearse([part], { backend })
  await deliver(mailTo(people(12)))
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

test('of a call that was accepted in part only the missing recipients are sent when it comes again', async () => {
  const backend = new Backend([], { answersPerRecipient: true })
  const part = backend.partly(recipient => recipient === 'person-1@example.org', named('PERMANENT_FAILURE'))
  const { deliver } = rehearse([part], { backend })
  await assert.rejects(deliver(mailTo(people(3))))
  await deliver(mailTo(people(3)))
  backend.assertOnce(people(3))
})

test('a call waits for its place in the pace, and the wait is not part of its time', async () => {
  const clock = new FastClock()
  const { deliver, backend, calls } = rehearse([], { clock, pace: new Pace(10, clock) })
  for (const _ of [1, 2, 3]) await deliver(mailTo(people(10)))
  assert.deepEqual(backend.times, [0, 1000, 2000])
  assert.ok(calls.every(({ ms }) => ms === 0))
})

test('no place in the pace within the patience: the mail is refused at once, and that is told', async () => {
  const clock = new FastClock()
  const { deliver, backend, calls } = rehearse([], { clock, pace: new Pace(1, clock), patienceMs: 5_000 })
  await deliver(mailTo(people(50)))
  await assert.rejects(deliver(mailTo(people(1))), { name: 'SendRateExceeded' })
  assert.deepEqual(clock.sleeps, [])
  assert.equal(backend.mails.length, 1)
  assert.match(calls[1]!.error!, /^SendRateExceeded: 1 recipients a second leave no room for 50 s$/)
})

/** What a call of the property below comes to: the test's word, or which recipients are taken. */
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

test('whatever fails, with a client that tries until it hears yes: everybody once, nobody never', async () => {
  const setting = fc.record({
    count: fc.integer({ min: 1, max: 130 }),
    fates: fc.array(fate, { maxLength: 25 }),
    perRecipient: fc.boolean(),
    patienceMs: fc.constantFrom(0, 20_000),
    /** How many of the client's tries run at once. */
    haste: fc.integer({ min: 1, max: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(setting, async ({ count, fates, perRecipient, patienceMs, haste }) => {
      /** Those of whom the relay cannot know whether they have the mail. */
      const unknown = new Set<string>()
      const backend = new Backend([], { answersPerRecipient: perRecipient })
      const deeds = fates.map((fate): Deed => deedOf(fate, backend, unknown))
      const { deliver } = rehearse(deeds, { backend, patienceMs })
      // A single call is its own memory: two at once are two mails.
      const tries = perRecipient ? count > 1 : count > 50
      for (let answered = false; !answered; ) {
        const answers = Array.from({ length: tries ? haste : 1 }, () => deliver(mailTo(people(count))))
        answered = (await Promise.allSettled(answers)).some(({ status }) => status === 'fulfilled')
      }
      for (const person of people(count)) {
        const copies = backend.received.get(person) ?? 0
        assert.ok(copies >= 1, `${person} has none`)
        assert.ok(copies === 1 || unknown.has(person), `${person} has ${copies}`)
      }
    }),
    { numRuns: 300 },
  )
})

function deedOf(fate: Fate, backend: Backend, unknown: Set<string>): Deed {
  if (typeof fate === 'number' && backend.answersPerRecipient) {
    return backend.partly(
      recipient => (Number(/\d+/.exec(recipient)) * fate) % 7 < 3,
      named(fate % 2 ? 'THROTTLED' : 'PERMANENT_FAILURE'),
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

/** A courier that does not try again by itself. */
function courier(backend: Backend) {
  const { deliver } = rehearse([], { backend, patienceMs: 0 })
  return { deliver }
}

/** A courier with a clock that does not take its time, and all that it tells. */
function rehearse(
  deeds: readonly Deed[],
  options: Manner & { readonly backend?: Backend; readonly clock?: FastClock } = {},
) {
  const { clock = new FastClock(), ...manner } = options
  const backend = options.backend ?? new Backend(deeds, { clock })
  if (options.backend) backend.expect(deeds)
  const calls: Call[] = []
  const courier = new Courier(backend, { ...manner, clock })
  return { clock, backend, calls, deliver: (mail: Mail) => courier.deliver(mail, call => calls.push(call)) }
}

function named(name: string): Error {
  return Object.assign(new Error('x'), { name })
}
