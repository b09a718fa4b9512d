import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { DeliveryClaim, ReplyOutcome } from '../../src/relay/delivery-claim.ts'
import { PartialDeliveries, type RememberLimits } from '../../src/relay/partial-deliveries.ts'
import type { Message } from '../../src/relay/relay.ts'
import { FastClock } from '../support/fast-clock.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { messageTo, people, turn } from './backend.ts'

const [first, second] = people(2)

test('after a 4xx the recipients that have the message are remembered, after a 250 they are forgotten', async () => {
  const { deliver } = fixture()
  assert.deepEqual(await deliver(messageTo(people(2)), 'temporary', [first!]), [])
  assert.deepEqual(await deliver(messageTo(people(2)), 'temporary'), [first])
  assert.deepEqual(await deliver(messageTo(people(2)), 'accepted'), [first])
  assert.deepEqual(await deliver(messageTo(people(2)), 'accepted'), [])
})

test('after a 5xx nothing is remembered, because the client does not retry', async () => {
  const { partial, deliver } = fixture()
  await deliver(messageTo(people(2)), 'permanent', [first!])
  assert.equal(partial.size, 0)
  await deliver(messageTo(people(2)), 'temporary', [first!])
  assert.deepEqual(await deliver(messageTo(people(2)), 'permanent'), [first])
  assert.equal(partial.size, 0)
  assert.deepEqual(await deliver(messageTo(people(2)), 'accepted'), [])
})

test('an attempt whose client left without a reply is not remembered: the client may never wait for replies', async () => {
  const { partial, deliver } = fixture()
  await deliver(messageTo(people(2)), 'disconnected', people(2))
  assert.equal(partial.size, 0)
  await deliver(messageTo(people(2)), 'temporary', [first!])
  assert.deepEqual(await deliver(messageTo(people(2)), 'disconnected', [second!]), [first])
  assert.equal(partial.size, 0)
  assert.deepEqual(await deliver(messageTo(people(2)), 'accepted'), [])
})

test('a message that no recipient has is not remembered', async () => {
  const { partial, deliver } = fixture()
  await deliver(messageTo(people(2)), 'temporary')
  assert.equal(partial.size, 0)
})

test('what is remembered belongs to one client: another client that sends the same message is not affected', async () => {
  const { partial, deliver } = fixture()
  await deliver(messageTo(people(2)), 'temporary', [first!], 'network 192.0.2.1')
  assert.deepEqual(await deliver(messageTo(people(2)), 'accepted', people(2), 'network 192.0.2.2'), [])
  assert.deepEqual(await deliver(messageTo(people(2)), 'temporary', [second!], 'user alice'), [])
  assert.equal(partial.size, 2)
  assert.deepEqual(await deliver(messageTo(people(2)), 'accepted', [], 'network 192.0.2.1'), [first])
  assert.deepEqual(await deliver(messageTo(people(2)), 'accepted', [], 'user alice'), [second])
})

test('after a 250 the recipients of the attempt are forgotten, the others are not', async () => {
  const { partial, deliver } = fixture()
  const all = people(4)
  await deliver(messageTo(all), 'temporary', all.slice(0, 3))
  assert.deepEqual(await deliver(messageTo(all.slice(0, 2)), 'accepted'), all.slice(0, 2))
  assert.deepEqual(await deliver(messageTo(all), 'temporary', all.slice(0, 1)), [all[2]])
  assert.deepEqual(await deliver(messageTo(all), 'accepted', []), [all[0], all[2]])
  assert.equal(partial.size, 0)
})

test('a message is remembered for 4 hours after its latest attempt', async () => {
  const { partial, deliver, clock } = fixture()
  const hour = 60 * 60 * 1000
  await deliver(messageTo(people(2)), 'temporary', [first!])
  clock.pass(3.9 * hour)
  assert.deepEqual(await deliver(messageTo(people(2)), 'temporary'), [first])
  clock.pass(3.9 * hour)
  assert.deepEqual(await deliver(messageTo(people(2)), 'temporary'), [first])
  clock.pass(4.1 * hour)
  assert.deepEqual(await deliver(messageTo(people(2)), 'accepted'), [])
  assert.equal(partial.size, 0)
})

test('an attempt to some of the recipients is the latest one for the others, too', async () => {
  const { deliver, clock } = fixture({ maxAgeMs: 1_000 })
  await deliver(messageTo(people(2)), 'temporary', people(2))
  clock.pass(900)
  await deliver(messageTo([first!]), 'accepted')
  clock.pass(900)
  assert.deepEqual(await deliver(messageTo(people(2)), 'accepted'), [second])
})

test('the remembered bytes are limited: the message that was tried longest ago is dropped first', async () => {
  const { partial, deliver } = fixture({ maxBytes: 2_000 })
  const send = (text: string) => deliver(messageTo(people(2), text), 'temporary', [first!])
  for (const text of ['a', 'b']) await send(text)
  const { size, bytes } = partial
  assert.ok(size === 2 && bytes > 1_000 && bytes <= 2_000, `${size} ${bytes}`)
  await send('a')
  assert.equal(partial.bytes, bytes, 'an attempt more takes no more memory')
  await send('c')
  assert.equal(partial.size, 2)
  assert.ok(partial.bytes <= 2_000)
  const known = await Promise.all(
    ['a', 'b', 'c'].map(text => deliver(messageTo(people(2), text), 'accepted', people(2))),
  )
  assert.deepEqual(known, [[first], [], [first]])
  assert.deepEqual([partial.size, partial.bytes], [0, 0])
})

test('a message that alone exceeds the limit is not remembered', async () => {
  const { partial, deliver } = fixture({ maxBytes: 2_000 })
  await deliver(messageTo(people(60)), 'temporary', people(50))
  assert.deepEqual([partial.size, partial.bytes], [0, 0])
})

test("the memory in use is not more than what is counted, however long the client's lines were", async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heap = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const { partial, deliver } = fixture()
  const before = heap()
  for (let n = 0; n < 300; n++) {
    // As the engine cuts an address out of a line.
    const recipients = people(51).map(person =>
      `RCPT TO:<${n}-${person}>${' '.repeat(2_000)}`.slice(9, -2_001),
    )
    await deliver(messageTo(recipients, `text ${n}`), 'temporary', recipients.slice(0, 50))
  }
  const taken = heap() - before
  assert.equal(partial.size, 300)
  assert.ok(taken < partial.bytes, `${taken} bytes for ${partial.bytes}`)
  assert.ok(partial.bytes < 4_000_000, `${partial.bytes}`)
})

test('the parts of the content do not matter, nor does the Received header', async () => {
  const { deliver } = fixture()
  await deliver(messageTo(people(2), 'Subject: x'), 'temporary', [first!])
  const content = ['oth', 'erSub', 'ject: x'].map(text => Buffer.from(text))
  const cut: Message = { ...messageTo(people(2)), content, headerBytes: 5, size: 15 }
  assert.deepEqual(await deliver(cut, 'accepted'), [first])
})

test('a different split between sender and content is a different message', async () => {
  const { partial, deliver } = fixture()
  const base = messageTo(people(2), 'c')
  for (const message of [
    { ...base, sender: 'a@b' },
    { ...messageTo(people(2), '"c'), sender: 'a@b' },
    { ...messageTo(people(2), 'bc'), sender: 'a@' },
  ])
    assert.deepEqual(await deliver(message, 'temporary', [first!]), [])
  assert.equal(partial.size, 3)
})

test('content is read only if client, sender and size are those of a remembered message, and then once', async () => {
  const { deliver } = fixture()
  const remembered = counted(messageTo(people(60)))
  await deliver(remembered.message, 'temporary', people(50))
  assert.equal(remembered.reads(), 1)
  for (const [message, client, reads] of [
    [messageTo(people(1), 'a larger message'), undefined, 0],
    [{ ...messageTo(people(1)), sender: 'bob@example.org' }, undefined, 0],
    [messageTo(people(1)), 'user bob', 0],
    [messageTo(people(60)), undefined, 1],
    [messageTo(people(1), 'Subject: y\r\n\r\nbody\r\n'), undefined, 1],
  ] as const) {
    const one = counted(message)
    await deliver(one.message, 'temporary', [], client)
    assert.equal(one.reads(), reads)
  }
})

test('without a remembered message no content is read', async () => {
  const { deliver } = fixture()
  const messages = Array.from({ length: 100 }, () => counted(messageTo(people(60))))
  for (const { message } of messages) await deliver(message, 'accepted', people(60))
  for (const { message } of messages) await deliver(message, 'temporary')
  assert.ok(messages.every(({ reads }) => reads() === 0))
})

test('a claim that does not have to wait is no promise, and reads no content', async () => {
  const partial = new PartialDeliveries()
  for (const atomic of [true, false]) {
    const { message, reads } = counted(messageTo(people(60)))
    const claim = partial.claim(message, { ...options, atomic })
    assert.ok(!(claim instanceof Promise))
    claim.add(people(60))
    claim.settle('accepted')
    assert.equal(reads(), 0)
  }
})

test('thirty messages in flight with the same content and disjoint recipients do not wait, and are not hashed', async () => {
  const { partial } = fixture()
  const messages = Array.from({ length: 30 }, (_, n) =>
    counted(messageTo(people(1800).slice(n * 60, n * 60 + 60))),
  )
  for (const { message } of messages) await partial.claim(message, { ...options, maxWaitMs: 0 })
  assert.ok(messages.every(({ reads }) => reads() === 0))
})

for (const [outcome, isRetry] of [
  ['accepted', false],
  ['permanent', false],
  ['temporary', true],
  ['disconnected', true],
] as const) {
  const then = isRetry ? 'leaves out those that have it' : 'goes to all'
  test(`the same message in flight to some of the same recipients: the second one waits, and after ${outcome} it ${then}`, async () => {
    const { partial } = fixture({}, new ManualClock())
    const [one, two] = [counted(messageTo(people(60))), counted(messageTo(people(62).slice(40)))]
    const claim = await partial.claim(one.message, options)
    let other: DeliveryClaim | undefined
    void partial.claim(two.message, options).then(claimed => {
      other = claimed
    })
    await turn()
    assert.equal(other, undefined)
    claim.add(people(50))
    claim.settle(outcome)
    await turn()
    assert.deepEqual(other!.skipped, isRetry ? people(50).slice(40) : [])
    assert.deepEqual(other!.missing, people(62).slice(isRetry ? 50 : 40))
    assert.deepEqual([one.reads(), two.reads()], [1, 1])
    other!.settle('accepted')
    assert.equal(partial.size, outcome === 'temporary' ? 1 : 0)
  })
}

test('after a 250 an attempt that waited leaves out only the other recipients that an earlier 4xx has left', async () => {
  const { partial, deliver } = fixture({}, new ManualClock())
  const [a, b] = [people(60), people(90).slice(60)]
  await deliver(messageTo([...a, ...b]), 'temporary', [...a.slice(0, 50), ...b])
  const claim = await partial.claim(messageTo(a), options)
  assert.deepEqual(claim.skipped, a.slice(0, 50))
  const other = partial.claim(messageTo([...a, ...b]), options)
  claim.add(claim.missing)
  claim.settle('accepted')
  assert.deepEqual((await other).skipped, b)
})

test('a retry that leaves out all recipients and gets 250 is the last one: the attempt that waits for it goes to all', async () => {
  const { partial } = fixture({}, new ManualClock())
  const claim = await partial.claim(messageTo(people(60)), options)
  const [retry, another] = [1, 2].map(() => partial.claim(messageTo(people(60)), options))
  claim.add(people(60))
  claim.settle('disconnected')
  const retried = await retry!
  assert.deepEqual(retried.skipped, people(60))
  retried.settle('accepted')
  assert.deepEqual((await another!).missing, people(60))
})

test('a different message of the same size to the same recipients does not wait', async () => {
  const { partial } = fixture()
  for (const text of ['a', 'b', 'c']) {
    await partial.claim(messageTo(people(60), text), { ...options, maxWaitMs: 0 })
  }
})

test('a message for one call waits for an identical one in flight, and no other message waits for it', async () => {
  const { partial } = fixture()
  const atomic = { ...options, atomic: true, maxWaitMs: 0 }
  await partial.claim(messageTo(people(5)), atomic)
  await partial.claim(messageTo(people(60)), { ...options, maxWaitMs: 0 })
  await assert.rejects(partial.claim(messageTo(people(5)), atomic), { name: 'DuplicateInFlight' })
})

for (const [outcome, isRetry] of [
  ['accepted', false],
  ['permanent', false],
  ['temporary', true],
  ['disconnected', true],
] as const) {
  const then = isRetry ? 'leave out those that have it' : 'go to all'
  test(`an attempt timed out: those after it still wait for the first, and after ${outcome} they ${then}`, async () => {
    const { partial, claim, timedOut } = await waitedFor(people(62).slice(40))
    await timedOut
    const late = partial.claim(messageTo(people(64).slice(30)), options)
    claim.add(people(50))
    claim.settle(outcome)
    const claimed = await late
    // The first one is the latest for 30 to 39, the one that gave up for 40 to 61.
    assert.deepEqual(claimed.skipped, isRetry ? people(50).slice(30) : [])
    claimed.settle('accepted')
    const size = outcome === 'temporary' ? 1 : 0
    assert.equal(partial.size, size, 'of a message that was sent again nothing is remembered')
  })
  test(`an attempt timed out, and its client retries after ${outcome}: its recipients ${isRetry ? 'that have it are left out' : 'all get it'}`, async () => {
    const { partial, claim, timedOut } = await waitedFor(people(62).slice(40))
    await timedOut
    claim.add(people(50))
    claim.settle(outcome)
    const again = await partial.claim(messageTo(people(62).slice(40)), options)
    assert.deepEqual(again.skipped, isRetry ? people(50).slice(40) : [])
    again.settle('accepted')
    assert.equal(partial.size, outcome === 'temporary' ? 1 : 0)
  })
}

test('an attempt timed out while it waited for two: it leaves out the recipients of the one whose client left, not those of the other', async () => {
  const clock = new ManualClock()
  const { partial } = fixture({}, clock)
  const [a, b] = [people(60), people(130).slice(70)]
  const claims = [await partial.claim(messageTo(a), options), await partial.claim(messageTo(b), options)]
  const timedOut = partial.claim(messageTo([...a, ...b]), { ...options, maxWaitMs: 1_000 })
  clock.advance(1_000)
  await assert.rejects(timedOut, { name: 'DuplicateInFlight' })
  const late = partial.claim(messageTo([...a, ...b]), options)
  claims[0]!.add(a)
  claims[0]!.settle('disconnected')
  claims[1]!.add(b)
  claims[1]!.settle('accepted')
  const { skipped, missing } = await late
  assert.deepEqual([skipped, missing], [a, b])
})

for (const outcome of ['accepted', 'disconnected'] as const) {
  test(`thousands of attempts that timed out end with the first attempt, even after ${outcome}`, async () => {
    const clock = new ManualClock()
    const { partial } = fixture({}, clock)
    const claim = await partial.claim(messageTo(people(2)), options)
    const others = Array.from({ length: 20_000 }, () =>
      partial.claim(messageTo(people(2)), options).then(
        () => 'claimed',
        ({ name }: Error) => name,
      ),
    )
    clock.advance(options.maxWaitMs)
    assert.deepEqual([...new Set(await Promise.all(others))], ['DuplicateInFlight'])
    claim.add(people(2))
    claim.settle(outcome)
    assert.equal(partial.size, outcome === 'accepted' ? 0 : 1)
    const { missing } = await partial.claim(messageTo(people(2)), { ...options, maxWaitMs: 0 })
    assert.deepEqual(missing, outcome === 'accepted' ? people(2) : [])
  })
}

test('a message that waited exactly as long as it may continues', async () => {
  const clock = new ManualClock()
  const { partial } = fixture({}, clock)
  const claim = await partial.claim(messageTo(people(60)), options)
  const other = partial.claim(messageTo(people(60)), { ...options, maxWaitMs: 1_000 })
  clock.advance(1_000)
  claim.settle('temporary')
  assert.deepEqual((await other).missing, people(60))
})

test('a message waits for all earlier ones with recipients in common', async () => {
  const { partial } = fixture({}, new ManualClock())
  const [a, b] = [people(60), people(130).slice(70)]
  const claims = [await partial.claim(messageTo(a), options), await partial.claim(messageTo(b), options)]
  let claimed = false
  const both = partial.claim(messageTo([...a, ...b]), options)
  void both.then(() => {
    claimed = true
  })
  claims[0]!.add(a)
  claims[0]!.settle('disconnected')
  await turn()
  assert.equal(claimed, false)
  claims[1]!.add(b)
  claims[1]!.settle('accepted')
  assert.deepEqual((await both).missing, b)
})

const options = { client: 'network 192.0.2.7', atomic: false, maxWaitMs: 20_000 }

/** Returns a promise for every claim, so that tests need not tell apart which claims wait. */
class AsyncPartialDeliveries extends PartialDeliveries {
  override async claim(...parameters: Parameters<PartialDeliveries['claim']>): Promise<DeliveryClaim> {
    return super.claim(...parameters)
  }
}

/** A memory, and a way to make one attempt to deliver: returns the recipients that had the message before. */
function fixture<C extends FastClock | ManualClock = FastClock>(
  limits: RememberLimits = {},
  clock = new FastClock() as C,
) {
  const partial = new AsyncPartialDeliveries(limits, clock)
  async function deliver(
    message: Message,
    outcome: ReplyOutcome,
    accepts: readonly string[] = [],
    client = options.client,
  ) {
    const claim = await partial.claim(message, { ...options, client, maxWaitMs: 0 })
    const { skipped, missing } = claim
    assert.deepEqual([...skipped, ...missing].sort(), [...message.recipients].sort())
    claim.add(accepts)
    claim.settle(outcome)
    return skipped
  }
  return { partial, clock, deliver }
}

/** An attempt to 60 recipients, and the end of another one that waits for it for a second only. */
async function waitedFor(recipients: readonly string[]) {
  const clock = new ManualClock()
  const { partial } = fixture({}, clock)
  const claim = await partial.claim(messageTo(people(60)), options)
  const timedOut = assert.rejects(partial.claim(messageTo(recipients), { ...options, maxWaitMs: 1_000 }), {
    name: 'DuplicateInFlight',
  })
  clock.advance(1_000)
  return { partial, claim, timedOut }
}

/** A message, and how often its content was read. */
function counted(message: Message) {
  let reads = 0
  const content = {
    [Symbol.iterator]() {
      reads++
      return message.content[Symbol.iterator]()
    },
  }
  return { message: { ...message, content }, reads: () => reads }
}
