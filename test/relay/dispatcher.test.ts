import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Path, Transaction } from '../../src/protocol/events.ts'
import type { Client, MessageSink } from '../../src/protocol/host.ts'
import { dispatcher } from '../../src/relay/dispatcher.ts'
import type { Delivery } from '../../src/relay/events.ts'
import type { Message, Receipt, Relay } from '../../src/relay/relay.ts'
import { hold, people, turn } from './backend.ts'
import { keepDeliveries } from './deliveries.ts'

const client: Client = {
  address: '192.0.2.7',
  name: 'client.example',
  extended: true,
  secure: false,
  user: undefined,
}

test('the backend gets the envelope, the Received header and what the client sent', async () => {
  const { mails, begin } = stage({ answers: [{}] })
  const sink = await begin(['bob@example.org'])
  sink.write(Buffer.from('Subject: x\r\n'))
  sink.write(Buffer.from('\r\nbody\r\n'))
  await sink.deliver()
  const [mail] = mails
  assert.equal(mail!.sender, 'alice@example.org')
  assert.deepEqual(mail!.recipients, ['bob@example.org'])
  const content = Buffer.concat([...mail!.content])
  const header = content.toString('utf8', 0, mail!.headerBytes)
  assert.match(
    header,
    /^Received: from client\.example \(\[192\.0\.2\.7\]\)\r\n\tby relay\.example \(Relay\)/,
  )
  assert.match(header, new RegExp(`id ${mail!.id}\r\n\tfor <bob@example\\.org>;`))
  assert.equal(content.toString('utf8', mail!.headerBytes), 'Subject: x\r\n\r\nbody\r\n')
  assert.equal(mail!.size, content.length)
})

test('each message has its own ID', async () => {
  const { mails, begin } = stage({ answers: [{}, {}] })
  for (const _ of [1, 2]) await (await begin(['bob@example.org'])).deliver()
  assert.notEqual(mails[0]!.id, mails[1]!.id)
})

test("the client gets the backend's message ID", async () => {
  const { begin } = stage({ answers: [{ messageId: '0100-abc' }] })
  assert.deepEqual(await (await begin(['bob@example.org'])).deliver(), {
    code: 250,
    status: '2.0.0',
    text: 'Ok 0100-abc',
  })
})

test('without a message ID the reply is Ok', async () => {
  const { begin } = stage({ answers: [{}] })
  assert.deepEqual(await (await begin(['bob@example.org'])).deliver(), {
    code: 250,
    status: '2.0.0',
    text: 'Ok',
    id: 'delivered',
  })
})

test('120 recipients need calls of 50, 50 and 20, and no recipient is named in the header', async () => {
  const { mails, log, begin } = stage({
    answers: [{ messageId: 'a' }, { messageId: 'b' }, { messageId: 'c' }],
  })
  const sink = await begin(people(120))
  assert.equal(((await sink.deliver()) as { text: string }).text, 'Ok a')
  assert.deepEqual(
    mails.map(({ recipients }) => recipients.length),
    [50, 50, 20],
  )
  assert.deepEqual(
    mails.flatMap(({ recipients }) => recipients),
    people(120),
  )
  assert.deepEqual(
    log.map(({ to, messageId }) => [to.length, messageId]),
    [
      [50, 'a'],
      [50, 'b'],
      [20, 'c'],
    ],
  )
  for (const { content } of mails) assert.doesNotMatch(Buffer.concat([...content]).toString(), /@/)
})

test('with 51 recipients, the one of the second call is not named either', async () => {
  const { mails, begin } = stage({ answers: [{}, {}] })
  await (await begin(people(51))).deliver()
  assert.doesNotMatch(Buffer.concat([...mails[1]!.content]).toString(), /@/)
})

test('calls are made one after the other', async () => {
  const first = hold<Receipt>()
  const second = hold<Receipt>()
  const { mails, begin } = stage({ answers: [first.promise, second.promise] })
  const answer = (await begin(people(60))).deliver() as Promise<unknown>
  await turn()
  assert.equal(mails.length, 1)
  first.release({})
  await turn()
  assert.equal(mails.length, 2)
  second.release({})
  assert.deepEqual(await answer, { code: 250, status: '2.0.0', text: 'Ok', id: 'delivered' })
})

test('a recipient that is named twice gets the message once', async () => {
  const { mails, begin } = stage({ answers: [{}] })
  await (await begin(['bob@example.org', 'carol@example.org', 'bob@example.org'])).deliver()
  assert.deepEqual(mails[0]!.recipients, ['bob@example.org', 'carol@example.org'])
})

test('a backend without a limit gets all recipients at once', async () => {
  const { mails, begin } = stage({ answers: [{}], perCall: undefined })
  await (await begin(people(120))).deliver()
  assert.equal(mails[0]!.recipients.length, 120)
})

test('there is no reply before the backend has accepted the message', async () => {
  const backend = hold<Receipt>()
  const { log, begin } = stage({ answers: [backend.promise] })
  let said = false
  const answer = Promise.resolve((await begin(['bob@example.org'])).deliver()).then(() => (said = true))
  await turn()
  assert.equal(said, false)
  assert.deepEqual(log, [])
  backend.release({})
  await answer
  assert.equal(log.length, 1)
})

test('a failure is the reply of the error table and one event with the error', async () => {
  const failure = Object.assign(new Error('Content rejected'), { name: 'MessageRejected' })
  const { log, begin } = stage({ answers: [failure] })
  assert.deepEqual(await (await begin(['bob@example.org'])).deliver(), {
    code: 554,
    status: '5.6.0',
    text: 'Message rejected: Content rejected',
  })
  assert.deepEqual(
    log.map(({ error, to }) => [error, to]),
    [['MessageRejected: Content rejected', ['bob@example.org']]],
  )
})

test('after a failed call no other call is made, and the client gets the failure', async () => {
  const failure = Object.assign(new Error('Maximum sending rate exceeded.'), { name: 'Throttling' })
  const { mails, log, begin } = stage({ answers: [{ messageId: 'a' }, failure] })
  assert.equal(((await (await begin(people(120))).deliver()) as { code: number }).code, 454)
  assert.equal(mails.length, 2)
  assert.deepEqual(
    log.map(({ error, messageId }) => [error, messageId]),
    [
      [undefined, 'a'],
      ['Throttling: Maximum sending rate exceeded.', undefined],
    ],
  )
})

test('the event of a call has all of its details', async () => {
  const { log, begin } = stage({ answers: [{ messageId: 'a' }], user: 'alice' })
  await (await begin(['bob@example.org'])).deliver()
  const { durationMs, size, ...rest } = log[0]!
  assert.ok(durationMs! >= 0 && size! > 0)
  assert.deepEqual(rest, {
    time: new Date('2026-11-22T01:02:03.000Z'),
    ip: '192.0.2.7',
    from: 'alice@example.org',
    to: ['bob@example.org'],
    relay: 'fake',
    messageId: 'a',
    user: 'alice',
  })
})

test('a handler that throws does not turn an accepted message into a rejected one', async () => {
  const { begin } = stage({ answers: [{ messageId: 'a' }], broken: true })
  assert.equal(((await (await begin(['bob@example.org'])).deliver()) as { code: number }).code, 250)
})

test('a discarded message is not sent, and later calls of its sink have no effect', async () => {
  const { mails, log, begin } = stage({ answers: [] })
  const sink = await begin(['bob@example.org'])
  sink.write(Buffer.from('x'))
  sink.discard()
  sink.discard()
  sink.write(Buffer.from('y'))
  assert.equal(((await sink.deliver()) as { code: number }).code, 451)
  assert.deepEqual([mails, log], [[], []])
})

test('discard after deliver changes nothing', async () => {
  const backend = hold<Receipt>()
  const { mails, begin } = stage({ answers: [backend.promise] })
  const sink = await begin(['bob@example.org'])
  sink.write(Buffer.from('x'))
  const answer = sink.deliver()
  sink.discard()
  backend.release({ messageId: 'a' })
  assert.equal(((await answer) as { text: string }).text, 'Ok a')
  assert.match(Buffer.concat([...mails[0]!.content]).toString(), /x$/)
})

const failure = Object.assign(new Error('Daily message quota exceeded.'), { name: 'Throttling' })
const sameClient: Record<string, readonly [Partial<Client>, Partial<Client>, same: boolean]> = {
  'the same address': [{}, {}, true],
  'another address': [{}, { address: '192.0.2.8' }, false],
  'another address of the same network': [{ address: '2001:db8::1' }, { address: '2001:db8::2' }, true],
  'another network': [{ address: '2001:db8::1' }, { address: '2001:db9::1' }, false],
  'the same user from another address': [{ user: 'bob' }, { user: 'bob', address: '192.0.2.8' }, true],
  'another user from the same address': [{ user: 'bob' }, { user: 'alice' }, false],
  'no user from the same address': [{ user: 'bob' }, {}, false],
  'a user with the name of a network': [{}, { user: 'network 192.0.2.7' }, false],
}
for (const [name, [first, second, same]] of Object.entries(sameClient)) {
  test(`a message that was partly delivered is sent again by ${name}: it is ${same ? 'the same message' : 'another message'}`, async () => {
    const rateLimitKey = (address: string) => address.replace(/::\d+$/, '::/64')
    const { mails, log, begin } = stage({ answers: [{}, failure, {}, {}], rateLimitKey })
    await (await begin(people(60), first)).deliver()
    await (await begin(people(60), second)).deliver()
    assert.deepEqual(
      mails.map(({ recipients }) => recipients.length),
      same ? [50, 10, 10] : [50, 10, 50, 10],
    )
    assert.equal(log.filter(({ skipped }) => skipped !== undefined).length, same ? 1 : 0)
  })
}

for (const gone of [undefined, false, true]) {
  test(`the same message is sent twice at the same time, and the first client has left: ${gone}`, async () => {
    const first = hold<Receipt>()
    const { mails, log, begin } = stage({ answers: [first.promise, {}, {}, {}], maxWaitMs: 20_000 })
    const leaving: { user: string; gone?: boolean } = { user: 'bob' }
    const answer = (await begin(people(60), leaving)).deliver()
    const other = (await begin(people(60), { user: 'bob' })).deliver()
    await turn()
    if (gone !== undefined) leaving.gone = gone
    first.release({})
    await answer
    assert.equal(((await other) as { code: number }).code, 250)
    assert.deepEqual(
      mails.map(({ recipients }) => recipients.length),
      gone ? [50, 10] : [50, 10, 50, 10],
    )
    assert.deepEqual(
      log.filter(({ skipped }) => skipped !== undefined).map(({ to }) => to.length),
      gone ? [60] : [],
    )
  })
}

test('without a function for networks, a client is its address', async () => {
  const { mails, begin } = stage({ answers: [{}, failure, {}, {}, {}] })
  await (await begin(people(60), { address: '2001:db8::1' })).deliver()
  await (await begin(people(60), { address: '2001:db8::2' })).deliver()
  await (await begin(people(60), { address: '2001:db8::1' })).deliver()
  assert.deepEqual(
    mails.map(({ recipients }) => recipients.length),
    [50, 10, 50, 10, 10],
  )
})

interface Play {
  /** What the backend answers to each call. */
  readonly answers: readonly (Receipt | Promise<Receipt> | Error)[]
  readonly perCall?: number | undefined
  readonly user?: string
  /** The log throws. */
  readonly broken?: boolean
  readonly rateLimitKey?: (address: string) => string
  readonly maxWaitMs?: number
}

/** A dispatcher with a scripted backend, and its replies and events. */
function stage(play: Play) {
  const mails: Message[] = []
  const log: Delivery[] = []
  const perCall = 'perCall' in play ? play.perCall : 50
  const relay: Relay = {
    name: 'fake',
    maxMessageBytes: 1000,
    ...(perCall !== undefined && { maxRecipientsPerCall: perCall }),
    async send(mail) {
      const answer = play.answers[mails.length]
      mails.push(mail)
      assert.ok(answer !== undefined, 'one call too many')
      if (answer instanceof Error) throw answer
      return answer
    },
  }
  const rules = {
    hostname: 'relay.example',
    service: 'Relay',
    maxWaitMs: play.maxWaitMs ?? 0,
    now: () => new Date('2026-11-22T01:02:03.000Z'),
    ...(play.rateLimitKey && { rateLimitKey: play.rateLimitKey }),
  }
  const keep = keepDeliveries(log)
  const host = dispatcher(relay, rules, event => {
    if (play.broken) throw new Error('no log')
    keep(event)
  })
  const begin = async (
    recipients: readonly string[],
    from: Partial<Client> = { user: play.user },
  ): Promise<MessageSink> => {
    const transaction: Transaction = { sender: path('alice@example.org'), recipients: recipients.map(path) }
    // The one that was given may change.
    const sink = await host.message(transaction, Object.setPrototypeOf(from, client))
    assert.ok('deliver' in sink)
    return sink
  }
  return { mails, log, begin }
}

function path(address: string): Path {
  return { address, parameters: new Map() }
}
