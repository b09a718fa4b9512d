import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer as createNetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createTransport, type SentMessageInfo } from 'nodemailer'
import {
  AddressList,
  createServer,
  type Message,
  type Relay,
  type RelayEvent,
  type RelayServer,
  type RelayServerOptions,
  secureContext,
} from '../src/index.ts'
import { certificatePath, keyPath } from './support/relay-process.ts'
import { SmtpClient } from './support/smtp-client.ts'

/** A relay that keeps the messages that it gets. */
function keeping(more: Partial<Relay> = {}): Relay & { readonly messages: Message[] } {
  const messages: Message[] = []
  return {
    name: 'keeping',
    maxMessageBytes: 1024 * 1024,
    messages,
    async send(message) {
      messages.push(message)
      return { messageId: `kept-${messages.length}` }
    },
    ...more,
  }
}

/** A server that listens until the end of the test. */
async function begin(
  t: TestContext,
  options: RelayServerOptions,
): Promise<{ server: RelayServer; port: number }> {
  const server = await createServer(options)
  t.after(() => server.close(0))
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  return { server, port }
}

const message = {
  envelope: { from: 'a@client.test', to: ['b@client.test'] },
  raw: 'Subject: Hello\r\n\r\nHi\r\n',
}

async function send(port: number, more: object = {}): Promise<string> {
  const client = createTransport({
    host: '127.0.0.1',
    port,
    tls: { ca: readFileSync(certificatePath), checkServerIdentity: () => undefined },
    ...more,
  })
  const { response } = (await client.sendMail(message)) as SentMessageInfo
  return response as string
}

test('a message goes to a relay of your own, and its receipt to the client', async t => {
  const relay = keeping()
  const { port } = await begin(t, { relay })
  assert.equal(await send(port), '250 2.0.0 Ok kept-1')
  const [{ sender, recipients, content } = assert.fail('no message arrived')] = relay.messages
  assert.deepEqual([sender, recipients], ['a@client.test', ['b@client.test']])
  assert.match(Buffer.concat([...content]).toString(), /^Received: [\s\S]*\r\nSubject: Hello\r\n\r\nHi\r\n$/)
})

test('an error of a relay of your own becomes a reply by the error table', async t => {
  const failures = [
    new Error('out of order'),
    Object.assign(new Error('no such box'), { name: 'MessageRejected' }),
    Object.assign(new Error('disk'), { code: 'ENOSPC' }),
  ]
  const { port } = await begin(t, { relay: keeping({ send: async () => Promise.reject(failures.shift()) }) })
  await assert.rejects(send(port), /451 4\.3\.0 Temporary service failure/)
  await assert.rejects(send(port), /554 5\.6\.0 Message rejected: no such box/)
  await assert.rejects(send(port), /452 4\.3\.1 Insufficient system storage/)
})

test('SMTPUTF8 and BINARYMIME are offered only if a relay of your own says that it takes them', async t => {
  const offered = async (more: Partial<Relay>) => {
    const { port } = await begin(t, { relay: keeping(more) })
    const wire = await SmtpClient.connect(port)
    await wire.reply()
    const { text } = await wire.ask('EHLO client.test')
    return ['SMTPUTF8', 'BINARYMIME'].filter(name => text.includes(name))
  }
  assert.deepEqual(await offered({}), [])
  assert.deepEqual(await offered({ takesUtf8: true }), ['SMTPUTF8'])
  assert.deepEqual(await offered({ takesBinary: true }), ['BINARYMIME'])
})

test('one listener gets every event: connections, logins and messages, in order', async t => {
  const types: string[] = []
  const onEvent = ({ type }: RelayEvent) => type !== 'reply' && types.push(type)
  const access = { user: { name: 'user', password: 'secret' } }
  const { server, port } = await begin(t, { relay: keeping(), onEvent, access, allowPlaintextAuth: true })
  await send(port, { auth: { user: 'user', pass: 'secret' } })
  await server.close()
  assert.deepEqual(types, ['opened', 'loggedIn', 'call', 'delivery', 'message', 'closed'])
})

test('a PROXY header that is not valid is one event', async t => {
  const events: RelayEvent[] = []
  const { server, port } = await begin(t, {
    relay: keeping(),
    trustedProxies: new AddressList('127.0.0.1'),
    onEvent: event => events.push(event),
  })
  const wire = await SmtpClient.connect(port)
  wire.say('EHLO client.test\r\n')
  await wire.rest()
  wire.vanish()
  await server.close()
  const [event, ...more] = events
  assert.equal(event?.type, 'proxyError')
  assert.deepEqual(more, [])
})

test('a backend can be chosen by its name', async t => {
  const path = mkdtempSync(join(tmpdir(), 'embedded-'))
  t.after(() => rmSync(path, { recursive: true }))
  const { port } = await begin(t, { relay: 'maildir', maildirPath: path })
  await send(port)
  assert.equal(readdirSync(join(path, 'new')).length, 1)
})

test('TLS: with files, and with a certificate in memory', async t => {
  const context = secureContext({ cert: readFileSync(certificatePath), key: readFileSync(keyPath) })
  for (const tls of [{ certPath: certificatePath, keyPath }, () => context]) {
    const server = await createServer({ relay: keeping(), tls, requireTls: true })
    t.after(() => server.close(0))
    const starttls = await server.listen({ host: '127.0.0.1', port: 0 })
    const implicit = await server.listen({ host: '127.0.0.1', port: 0, implicitTls: true })
    await assert.rejects(send(starttls.port, { ignoreTLS: true }), /530 5\.7\.0/)
    assert.match(await send(starttls.port, { requireTLS: true }), /^250 /)
    assert.match(await send(implicit.port, { secure: true }), /^250 /)
  }
})

test('only clients with an allowed address are accepted', async t => {
  const { port } = await begin(t, {
    relay: keeping(),
    access: { addresses: new AddressList('192.0.2.0/24') },
  })
  await assert.rejects(send(port), /554 5\.7\.1/)
})

test('environment variables have no effect', async t => {
  const variables = {
    SMTP_RELAY_RELAY: 'nowhere',
    SMTP_RELAY_MAX_RECIPIENTS: '1',
    SMTP_RELAY_USER: 'somebody',
  }
  Object.assign(process.env, variables)
  t.after(() => {
    for (const name of Object.keys(variables)) delete process.env[name]
  })
  const { port } = await begin(t, { relay: keeping() })
  assert.match(await send(port), /^250 /)
})

test('options that cannot work are rejected before anything is opened', async () => {
  const refused: readonly [unknown, RegExp][] = [
    [
      { maxRecipients: 0 },
      /^invalid value 0 for maxRecipients \(--max-recipients\): must be a whole number, at least 1$/,
    ],
    [
      { messageMemoryBytes: Number.NaN },
      /^invalid value NaN for messageMemoryBytes \(--message-memory\): must be a whole number of bytes/,
    ],
    [
      { idleTimeoutMs: -1 },
      /^invalid value -1 for idleTimeoutMs \(--idle-timeout\): must be a number of milliseconds from 1 /,
    ],
    [{ hostname: 'a b' }, /^invalid value "a b" for hostname \(--hostname\): must be a domain/],
    [{ service: 'a\r\nb' }, /^invalid value .* for service \(--name\): must not contain control characters$/],
    [
      { relay: 'nowhere' },
      /^invalid value "nowhere" for relay \(--relay\): must be ses, sesv2, pinpoint, maildir or discard$/,
    ],
    [{ relay: null }, /^invalid value null for relay \(--relay\): must be a string$/],
    [{ relay: {} }, /^The relay's name has to be one word of ASCII$/],
    [
      { relay: { name: 'x', maxMessageBytes: '1MiB' } },
      /^The relay's maxMessageBytes has to be a whole number/,
    ],
    [{ relay: { name: 'x', maxMessageBytes: 1, send: 1 } }, /^The relay's send has to be a function$/],
    [{ relay: async () => {} }, /^invalid value of type function for relay \(--relay\): must be a string$/],
    [null, /^the options must be an object$/],
    [5, /^the options must be an object$/],
    [{ onEvent: 'x' }, /^onEvent must be a function$/],
    [{ onEvent: {} }, /^onEvent must be a function$/],
    [{ onEvent: null }, /^onEvent must be a function$/],
    [{ onError: () => {} }, /^unknown option onError$/],
    [{ tls: 'certificate.pem' }, /^tls must be a plain object$/],
    [{ access: null }, /^access must be a plain object$/],
    [{ access: { user: 'bob' } }, /^access\.user must be a plain object$/],
    [{ filters: '@example' }, /^filters must be a plain object$/],
    [{ tags: 'a=b' }, /^invalid value "a=b" for tags \(--tags\): must be a plain object$/],
    [{ usersFile: '' }, /^invalid value "" for usersFile \(--users-file\): must not be empty$/],
    [{ hostname: {} }, /^invalid value of type object for hostname \(--hostname\): must be a string$/],
    [{ access: { user: { password: 'x' } } }, /^access\.user\.name is missing$/],
    [{ access: { user: { name: 'user', password: '' } } }, /^-u\/--user needs a secret/],
    [{ acces: {} }, /^unknown option acces$/],
    [{ access: { usr: {} } }, /^unknown option access\.usr$/],
    [{ listen: [] }, /^unknown option listen$/],
    [{ relay: null }, /^invalid value null for relay \(--relay\): must be a string$/],
    [{ hostname: true }, /^invalid value true for hostname \(--hostname\): must be a string$/],
    [{ requireTls: null }, /^invalid value null for requireTls \(--require-starttls\): must be a boolean$/],
    [
      { maxWaitMs: null },
      /^invalid value null for maxWaitMs \(--max-wait\): must be a number of milliseconds from 0 /,
    ],
    [
      { maxWaitMs: '5000' },
      /^invalid value "5000" for maxWaitMs \(--max-wait\): must be a number of milliseconds/,
    ],
    [
      { maxWaitMs: 5n },
      /^invalid value 5 of type bigint for maxWaitMs \(--max-wait\): must be a number of milliseconds/,
    ],
    ...[null, false, '', [], new AddressList('10.0.0.0/8')].map((access): [object, RegExp] => [
      { access },
      /^access must be a plain object$/,
    ]),
    ...[null, [], {}].map((addresses): [object, RegExp] => [
      { access: { addresses } },
      /^invalid value (of type object|null) for access\.addresses \(--allow-ips\): must be an AddressList$/,
    ]),
    [{ access: { user: null } }, /^access\.user must be a plain object$/],
    [{ access: { user: 'joe' } }, /^access\.user must be a plain object$/],
    [{ access: { user: { name: 'user', password: 5 } } }, /^access\.user\.password must be a string$/],
    [{ tls: {} }, /^tls\.certPath is missing$/],
    [{ tls: { certPath: certificatePath } }, /^tls\.keyPath is missing$/],
    [{ tls: null }, /^tls must be a plain object$/],
    [{ filters: 'x' }, /^filters must be a plain object$/],
    [
      { filters: { denyTo: null } },
      /^invalid value null for filters\.denyTo \(--deny-to\): must be a string$/,
    ],
    [
      { trustedProxies: null },
      /^invalid value null for trustedProxies \(--proxy-protocol\): must be an AddressList$/,
    ],
    [{ tags: 'a=b' }, /^invalid value "a=b" for tags \(--tags\): must be a plain object$/],
    [{ tags: { a: 5 } }, /^invalid value of type object for tags \(--tags\): must be name=value/],
    [{ tags: { a: 'b,c=d' } }, /^invalid value of type object for tags \(--tags\): must be name=value/],
    [{ requireTls: true }, /^-s\/--require-starttls needs -c\/--tls-cert and -k\/--tls-key$/],
    [{ tls: { certPath: 'nowhere.pem', keyPath } }, /^open nowhere\.pem: no such file or directory$/],
    [{ relay: 'discard', filters: { denyTo: '(' } }, /^Denied recipient emails: error parsing regexp/],
    [{ relay: 'maildir', maildirPath: certificatePath }, /^maildir .*certificate\.pem: /],
    [{ relay: keeping(), tags: { a: 'b' } }, /^tags has no effect on a relay of one's own$/],
    [{ relay: keeping(), sendRate: 'auto' }, /^Backend keeping does not support --send-rate auto$/],
    [{ relay: { name: 'own' } }, /^The relay's maxMessageBytes has to be a whole number/],
    [
      { relay: 'discard', messageMemoryBytes: 1000 },
      /^--message-memory \(1000 bytes\) cannot hold one message/,
    ],
  ]
  for (const [options, message] of refused) {
    await assert.rejects(createServer(options as RelayServerOptions), error => {
      assert.match((error as Error).message, message)
      return true
    })
  }
})

test('an option that works, but probably not as intended, is a notice', async () => {
  const events: RelayEvent[] = []
  await createServer({ relay: 'discard', maxRecipients: 5, onEvent: event => events.push(event) })
  const text = '--max-recipients is below 100, which RFC 5321 requires of every server'
  assert.deepEqual(events, [{ type: 'notice', text }])
})

test('an address in use is an error with a sentence', async t => {
  const taken = createNetServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const server = await createServer({ relay: 'discard' })
  await assert.rejects(server.listen({ host: '127.0.0.1', port }), {
    message: `listen tcp 127.0.0.1:${port}: bind: address already in use`,
  })
  await assert.rejects(server.listen({ port: 0, implicitTls: true }), {
    message: 'implicitTls needs a certificate: the option tls',
  })
  for (const host of ['', null]) {
    await assert.rejects(server.listen({ host: host as string, port: 0 }), {
      message: 'host has to be a name or an IP address, or left out',
    })
  }
})

test('a closed server does not listen, even if it had just begun to', async () => {
  const server = await createServer({ relay: 'discard' })
  const begun = server.listen({ host: '127.0.0.1', port: 0 })
  const closed = server.close()
  assert.equal(closed, server.close())
  const { port } = await begun
  await closed
  await assert.rejects(send(port), /ECONNREFUSED/)
  await assert.rejects(server.listen({ host: '127.0.0.1', port: 0 }), {
    message: 'listen tcp 127.0.0.1:0: the server is closed',
  })
})

test('a message in flight when the server closes is delivered', async t => {
  const { relay, arrived, release } = waiting()
  const { server, port } = await begin(t, { relay })
  const sent = send(port)
  await arrived.promise
  const closed = server.close()
  release.resolve()
  assert.match(await sent, /^250 /)
  await closed
  assert.equal(server.connections, 0)
})

test('a relay may be an object with a class', async t => {
  class Asked implements Relay {
    readonly name = 'asked'
    readonly maxMessageBytes = 1000
    readonly rate = 14
    async send() {
      return {}
    }
    async sendRate() {
      return this.rate
    }
    async check() {
      return [`${this.rate} a second`]
    }
  }
  const types = new Set<string>()
  const { server, port } = await begin(t, {
    relay: new Asked(),
    sendRate: 'auto',
    filters: { denyTo: 'nobody' },
    onEvent: ({ type }) => types.add(type),
  })
  await send(port)
  assert.deepEqual(await server.check(), ['14 a second'])
  await server.close()
  assert.ok(['call', 'delivery', 'message', 'opened', 'closed'].every(type => types.has(type)))
  assert.ok(!types.has('notice'))
})

test('the quota for the send rate is asked for once the server listens, and no more after it is closed', async t => {
  let asked = 0
  const relay = keeping({
    async sendRate() {
      asked++
      return 14
    },
  })
  const server = await createServer({ relay, sendRate: 'auto' })
  t.after(() => server.close(0))
  await server.check()
  assert.equal(asked, 0)
  for (const _ of [1, 2]) await server.listen({ host: '127.0.0.1', port: 0 })
  assert.equal(asked, 1)
  const closed = await createServer({ relay, sendRate: 'auto' })
  await closed.close()
  await assert.rejects(closed.listen({ host: '127.0.0.1', port: 0 }))
  assert.equal(asked, 1)
})

test('a client without a login is its network: a message that it sends again from another IPv6 address of its own is a retry', async t => {
  const reached: string[] = []
  const relay = keeping({
    maxRecipientsPerCall: 1,
    async send({ recipients: [recipient = ''] }) {
      if (reached.length === 1 && recipient.startsWith('c')) throw new Error('not now')
      reached.push(recipient[0]!)
      return {}
    },
  })
  const { port } = await begin(t, { relay, trustedProxies: new AddressList('127.0.0.1') })
  async function sendFrom(address: string): Promise<string> {
    const before = reached.length
    const wire = await SmtpClient.connect(port)
    wire.say(`PROXY TCP6 ${address} 2001:db8::99 1234 25\r\n`)
    await wire.greet()
    await wire.ask('MAIL FROM:<a@client.test>')
    for (const to of ['b', 'c']) await wire.ask(`RCPT TO:<${to}@client.test>`)
    await wire.ask('DATA')
    const { code } = await wire.ask('Subject: x\r\n\r\nx\r\n.')
    wire.vanish()
    return `${code} ${reached.slice(before).join('')}`
  }
  assert.equal(await sendFrom('2001:db8::1'), '451 b')
  assert.equal(await sendFrom('2001:db8:0:1::1'), '250 bc')
  assert.equal(await sendFrom('2001:db8::2'), '250 c')
})

for (const leave of ['stay', 'vanish', 'reset'] as const) {
  const isRetry = leave !== 'stay'
  const then = isRetry ? 'the second is a retry' : 'they are two messages'
  test(`two connections of one client send the same message to 60 recipients at once, the first one: ${leave}; ${then}`, async t => {
    const to = Array.from({ length: 60 }, (_, n) => `r${n}@client.test`)
    const release = withResolvers()
    const arrived = withResolvers()
    const received: string[] = []
    let calls = 0
    const relay = keeping({
      maxRecipientsPerCall: 50,
      async send({ recipients }) {
        arrived.resolve()
        if (++calls === 1) await release.promise
        received.push(...recipients)
        return {}
      },
    })
    const ended = withResolvers()
    const skipped: string[][] = []
    const onEvent = (event: RelayEvent) => {
      if (event.type === 'delivery' && event.skipped !== undefined) skipped.push([...event.to])
      else if (event.type === 'message') ended.resolve()
    }
    const { port } = await begin(t, { relay, onEvent })
    const [first, second] = [await SmtpClient.connect(port), await SmtpClient.connect(port)]
    for (const wire of [first, second]) {
      await wire.greet()
      await wire.ask('MAIL FROM:<a@client.test>')
      for (const address of to) await wire.ask(`RCPT TO:<${address}>`)
      await wire.ask('DATA')
      wire.say('Subject: x\r\n\r\nx\r\n.\r\n')
      if (wire === first) await arrived.promise
    }
    if (leave !== 'stay') first[leave]()
    // After this the server has read what the two clients have sent, and that one of them has left.
    const other = await SmtpClient.connect(port)
    await other.greet()
    for (let times = 0; times < 10; times++) await other.ask('NOOP')
    assert.equal(calls, 1)
    release.resolve()
    if (leave === 'stay') assert.equal((await first.reply()).code, 250)
    assert.equal((await second.reply()).code, 250)
    await ended.promise
    assert.equal(calls, isRetry ? 2 : 4)
    assert.deepEqual(skipped, isRetry ? [to] : [])
    assert.deepEqual(received.sort(), (isRetry ? to : [...to, ...to]).sort())
  })
}

test('the time to close may be infinite, or zero', async t => {
  for (const graceMs of [Number.POSITIVE_INFINITY, 2 ** 40]) {
    const { relay, arrived, release } = waiting()
    const { server, port } = await begin(t, { relay })
    const sent = send(port)
    await arrived.promise
    const closed = server.close(graceMs)
    // Node.js treats a timer that is too long as one of a millisecond, and such timers fire in the order of their start.
    setTimeout(() => setTimeout(release.resolve, 1), 1)
    assert.match(await sent, /^250 /)
    await closed
  }
  for (const graceMs of [0, -1, Number.NaN]) {
    const arrived = withResolvers()
    const relay = keeping({
      async send() {
        arrived.resolve()
        return new Promise(() => {})
      },
    })
    const { server, port } = await begin(t, { relay })
    const sent = assert.rejects(send(port), /421 4\.3\.2/)
    await arrived.promise
    await server.close(graceMs)
    await sent
  }
})

test('a listener may throw', async t => {
  const fail = () => {
    throw new Error('not now')
  }
  const tls = () => fail()
  const { port, server } = await begin(t, {
    relay: keeping(),
    tls,
    onEvent: fail,
    maxRecipients: 5,
  })
  await assert.rejects(send(port, { requireTLS: true }))
  assert.match(await send(port, { ignoreTLS: true }), /^250 /)
  await server.close()
})

test('an invalid certificate ends the handshake, and leaves no connection open', async t => {
  const errors: unknown[] = []
  const tls = (() => ({ cert: 'x', key: 'y' })) as never
  const { port, server } = await begin(t, {
    relay: keeping(),
    tls,
    onEvent: event => event.type === 'error' && errors.push(event.error),
  })
  const implicit = await server.listen({ host: '127.0.0.1', port: 0, implicitTls: true })
  await assert.rejects(send(port, { requireTLS: true }))
  await assert.rejects(send(implicit.port, { secure: true }))
  await server.close(60_000)
  assert.deepEqual([server.connections, errors.length], [0, 2])
})

test('a number of calls whose timeouts exceed the longest timer still leaves the relay its time', async t => {
  // The timeout of the host begins between the two timers, and would fire between them.
  const sendLater = () => new Promise<object>(done => setTimeout(() => setTimeout(done, 1, {}), 1))
  const relay = keeping({ maxRecipientsPerCall: 1, send: sendLater })
  const { port } = await begin(t, { relay, maxRecipients: 1_000_000 })
  assert.match(await send(port), /^250 /)
})

function withResolvers() {
  let resolve = (_?: unknown) => {}
  const promise = new Promise<unknown>(done => (resolve = done))
  return { promise, resolve }
}

/** A relay that accepts a message when it is released. `arrived` resolves when one has arrived. */
function waiting() {
  const release = withResolvers()
  const arrived = withResolvers()
  const relay = keeping({
    async send() {
      arrived.resolve()
      await release.promise
      return {}
    },
  })
  return { relay, arrived, release }
}
