import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Path, Transaction } from '../../src/protocol/events.ts'
import type { MessageSink } from '../../src/protocol/host.ts'
import type { Reply } from '../../src/protocol/reply.ts'
import { EncodedContent } from '../../src/relay/aws/encoded-content.ts'
import { dispatcher, worstCaseBytes } from '../../src/relay/dispatcher.ts'
import type { Delivery } from '../../src/relay/events.ts'
import { MemoryBudget, type Reservation } from '../../src/relay/limits/memory-budget.ts'
import type { Relay } from '../../src/relay/relay.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { awsError, hold, turn } from './backend.ts'
import { keepDeliveries } from './deliveries.ts'

const messageBytes = 100_000
const full = '452 4.3.1 Insufficient memory, try again later'
/** A chunk as a socket gives it: memory of its own. */
const chunk = () => Buffer.allocUnsafeSlow(50_000).fill('x')

for (const [form, content] of [
  ['as it came', undefined],
  ['encoded', () => new EncodedContent('form', 'Data=')],
] as const) {
  test(`${form}: the memory of a message counts until its delivery ends, however it ends`, async () => {
    const { budget, begin, backend } = stage({ mails: 3, content })
    assert.equal(budget.usedBytes, 0)
    const delivered = await begin()
    const small = budget.usedBytes
    assert.ok(small > 0)
    await delivered.write(chunk())
    assert.ok(budget.usedBytes >= small + 40_000)
    const answer = delivered.deliver()
    assert.ok(budget.usedBytes >= 50_000)
    backend.open()
    assert.equal(codeOf(await answer), 250)
    assert.equal(budget.usedBytes, 0)

    const discarded = await begin()
    await discarded.write(chunk())
    discarded.discard()
    assert.equal(budget.usedBytes, 0)

    const failed = await begin()
    backend.error = awsError('MessageRejected', 'no')
    assert.equal(codeOf(await failed.deliver()), 554)
    assert.equal(budget.usedBytes, 0)
  })

  test(`${form}: a message waits for memory until another one is delivered, and arrives complete`, async () => {
    const { budget, begin, backend, received } = stage({ mails: 1, content })
    const first = await begin()
    await first.write(chunk())
    await first.write(chunk())
    const answer = first.deliver()
    const second = await begin()
    let went = false
    const wait = Promise.resolve(second.write(chunk())).then(() => second.write(chunk()))
    void wait.then(() => (went = true))
    await turn()
    assert.deepEqual([went, budget.waiting], [false, 1])
    backend.open()
    await answer
    await wait
    await second.deliver()
    assert.deepEqual(received, [messageBytes, messageBytes])
    assert.equal(budget.usedBytes, 0)
  })

  test(`${form}: a message of the largest size always fits if there is no other`, async () => {
    const { begin, received, backend } = stage({ mails: 1, content })
    backend.open()
    const sink = await begin()
    // The worst that base64 in a form can be, in the smallest pieces and in large ones.
    for (let n = 0; n < 50_000; n++) assert.equal(sink.write(Buffer.of(255)), undefined)
    assert.equal(sink.write(Buffer.allocUnsafeSlow(50_000).fill(255)), undefined)
    assert.equal(codeOf(await sink.deliver()), 250)
    assert.deepEqual(received, [messageBytes])
  })
}

test('no memory within the maximum wait: 452 at the end of the message, one event, and its memory is free at once', async () => {
  const { budget, begin, clock, log, fillUp } = stage({ mails: 2 })
  const others = [fillUp()]
  const late = await begin()
  await late.write(chunk())
  others.push(fillUp())
  const before = budget.usedBytes
  const wait = late.write(chunk())
  assert.ok(wait !== undefined)
  clock.advance(20_000)
  await wait
  assert.ok(budget.usedBytes < before)
  assert.equal(late.write(chunk()), undefined)
  assert.equal(textOf(await late.deliver()), full)
  assert.deepEqual(
    log.map(({ to, error, durationMs }) => ({ to, error, ms: durationMs })),
    [{ to: ['bob@example.org'], error: 'NoMemory: the memory for messages is in use', ms: undefined }],
  )
  for (const other of others) other.release()
  assert.equal(budget.usedBytes, 0)
})

test('a client that comes while there is no memory waits before its content is read, and then gets 452', async () => {
  const { budget, host, clock, log, fillUp } = stage({ mails: 1 })
  const other = fillUp()
  other.complete()
  const answers = [1, 2].map(() => host.message(transaction, client))
  await turn()
  assert.equal(budget.waiting, 2)
  clock.advance(20_000)
  for (const answer of answers) assert.equal(textOf(await answer), full)
  assert.equal(log.length, 2)
  other.release()
  assert.equal(budget.usedBytes, 0)
  assert.ok('deliver' in (await host.message(transaction, client)))
})

test('a client that disconnects while it waits releases its memory, and waits no longer', async () => {
  const { budget, begin, fillUp } = stage({ mails: 2 })
  const others = [fillUp()]
  const gone = await begin()
  await gone.write(chunk())
  others.push(fillUp())
  const wait = gone.write(chunk())
  assert.equal(budget.waiting, 1)
  gone.discard()
  await wait
  assert.equal(budget.waiting, 0)
  for (const other of others) other.release()
  assert.equal(budget.usedBytes, 0)
})

test('a message that waits for memory before its content arrives begins when there is some', async () => {
  const { budget, begin, fillUp, backend, received } = stage({ mails: 1 })
  const other = fillUp()
  const wait = begin()
  await turn()
  assert.equal(budget.waiting, 1)
  other.release()
  const sink = await wait
  backend.open()
  await sink.write(Buffer.from('x'))
  assert.equal(codeOf(await sink.deliver()), 250)
  assert.deepEqual(received, [1])
})

test('a client that leaves at the moment when there is memory for its message leaves none of it in use', async () => {
  const { budget, begin, fillUp } = stage({ mails: 2 })
  const others = [fillUp()]
  const sink = await begin()
  others.push(fillUp())
  const wait = sink.write(chunk())
  assert.equal(budget.waiting, 1)
  for (const other of others) other.release()
  sink.discard()
  await wait
  assert.deepEqual([budget.waiting, budget.usedBytes], [0, 0])
})

test('memory for the last encoding is waited for, and the message is rejected if there is none', async () => {
  for (const patient of [true, false]) {
    const content = () => new EncodedContent('form', 'Data=')
    const { budget, begin, backend, clock, log } = stage({ mails: 2, content })
    backend.open()
    const oldest = budget.open()
    assert.equal(oldest.resize(1), true)
    const sink = await begin()
    // Not encoded yet, and four times as much when it is.
    await sink.write(Buffer.alloc(2000, 0xff))
    const heldBytes = budget.usedBytes
    const filler = budget.open()
    assert.equal(filler.resize(budget.totalBytes / 2 - heldBytes), true)
    filler.complete()
    const answer = sink.deliver()
    assert.equal(budget.waiting, 1)
    if (patient) filler.release()
    else clock.advance(20_000)
    assert.equal(textOf(await answer), patient ? '250 2.0.0 Ok' : full)
    assert.deepEqual(
      log.map(({ rejected }) => rejected),
      [patient ? undefined : 'memory'],
    )
    oldest.release()
    filler.release()
    assert.equal(budget.usedBytes, 0)
  }
})

test('a client that is silent while others wait gets 452 at the end, with one event, and its remaining content is dropped', async () => {
  const { budget, begin, clock, log, backend, received } = stage({ mails: 1 })
  backend.open()
  const silent = await begin()
  await silent.write(chunk())
  const heldBytes = budget.usedBytes
  const other = begin().then(async sink => {
    await sink.write(chunk())
    return sink.deliver()
  })
  for (let seconds = 0; seconds < 10; seconds++) {
    assert.deepEqual([budget.usedBytes, budget.waiting], [heldBytes, 1])
    clock.advance(1000)
    await turn()
  }
  assert.equal(codeOf(await other), 250)
  assert.deepEqual(received, [50_000])
  assert.equal(budget.usedBytes, 0)
  assert.equal(silent.write(chunk()), undefined)
  assert.equal(
    textOf(await silent.deliver()),
    '452 4.3.1 Content came too slowly while memory was short, try again later',
  )
  assert.deepEqual(
    log.filter(({ error }) => error !== undefined).map(({ error, rejected }) => [error, rejected]),
    [
      [
        'TooSlow: content arrived at less than 1024 bytes per second while other messages waited for memory',
        'slow',
      ],
    ],
  )
})

test('a client with more than its share, while others wait, gets 452, and the log says why', async () => {
  const { budget, host, clock, log, backend } = stage({ mails: 1 })
  backend.open()
  const from = async (address: string) => {
    const sink = await host.message(transaction, { ...client, address })
    assert.ok('deliver' in sink)
    return sink
  }
  const greedy = await from('192.0.2.1')
  for (let n = 0; n < 3; n++) await greedy.write(chunk())
  const other = from('192.0.2.2')
  for (let seconds = 0; seconds < 10; seconds++) {
    await greedy.write(Buffer.alloc(1024))
    assert.deepEqual([budget.waiting, log.length], [1, 0])
    clock.advance(1000)
    await turn()
  }
  assert.equal(codeOf(await (await other).deliver()), 250)
  assert.deepEqual(
    log
      .filter(({ rejected }) => rejected !== undefined)
      .map(({ ip, error, rejected }) => [ip, error, rejected]),
    [
      [
        '192.0.2.1',
        "NoMemory: the client's address holds more than its share of the memory, and others wait",
        'memory',
      ],
    ],
  )
  assert.equal(textOf(await greedy.deliver()), full)
})

/** A dispatcher with memory for this number of messages of the largest size, and a backend that answers when the test says so. */
function stage({
  mails,
  content,
}: {
  readonly mails: number
  readonly content?: Relay['content'] | undefined
}) {
  const clock = new ManualClock()
  const received: number[] = []
  const log: Delivery[] = []
  const answer = hold<undefined>()
  const backend = { open: () => answer.release(undefined), error: undefined as Error | undefined }
  const relay: Relay = {
    name: 'fake',
    maxMessageBytes: messageBytes,
    ...(content !== undefined && { content }),
    async send(mail) {
      await answer.promise
      if (backend.error) throw backend.error
      received.push(mail.size - mail.headerBytes)
      return {}
    },
  }
  const largestBytes = worstCaseBytes(relay, messageBytes)
  const totalBytes = largestBytes * mails
  const budget = new MemoryBudget({ totalBytes, largestBytes, reservedBytes: 0, maxWaitMs: 20_000, clock })
  const rules = { hostname: 'relay.example', service: 'Relay', maxWaitMs: 0, budget }
  const host = dispatcher(relay, rules, keepDeliveries(log))
  const begin = async (): Promise<MessageSink> => {
    const sink = await host.message(transaction, client)
    assert.ok('deliver' in sink)
    return sink
  }
  /** A message that takes what is free, up to the largest size. */
  const fillUp = (): Reservation => {
    const share = budget.open()
    assert.equal(share.resize(Math.min(largestBytes, largestBytes * mails - budget.usedBytes)), true)
    return share
  }
  return { budget, host, begin, fillUp, backend, received, log, clock }
}

const path = (address: string): Path => ({ address, parameters: new Map() })
const transaction: Transaction = { sender: path('alice@example.org'), recipients: [path('bob@example.org')] }
const client = {
  address: '192.0.2.7',
  name: 'client.example',
  extended: true,
  secure: false,
  user: undefined,
}

function codeOf(verdict: Reply | MessageSink | undefined): number {
  assert.ok(verdict !== undefined && 'code' in verdict)
  return verdict.code
}

function textOf(verdict: Reply | MessageSink | undefined): string {
  assert.ok(verdict !== undefined && 'code' in verdict)
  return `${verdict.code} ${verdict.status} ${verdict.text}`
}
