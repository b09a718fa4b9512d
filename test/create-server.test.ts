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
  type ConnectionEvent,
  createServer,
  type Message,
  type MessageEvent,
  type Relay,
  type RelayServer,
  type RelayServerOptions,
  secureContext,
} from '../src/index.ts'
import { certificatePath, keyPath } from './support/relay-process.ts'
import { SmtpClient } from './support/smtp-client.ts'

/** A relay that keeps what it gets. */
function keeping(more: Partial<Relay> = {}): Relay & { readonly mails: Message[] } {
  const mails: Message[] = []
  return {
    name: 'keeping',
    maxMessageBytes: 1024 * 1024,
    mails,
    async send(mail) {
      mails.push(mail)
      return { messageId: `kept-${mails.length}` }
    },
    ...more,
  }
}

/** A server that listens and ends with the test. */
async function begin(
  t: TestContext,
  options: RelayServerOptions,
): Promise<{ server: RelayServer; port: number }> {
  const server = await createServer(options)
  t.after(() => server.close(0))
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  return { server, port }
}

const mail = {
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
  const { response } = (await client.sendMail(mail)) as SentMessageInfo
  return response as string
}

test("a mail goes to a relay of one's own, and its receipt to the client", async t => {
  const relay = keeping()
  const { port } = await begin(t, { relay })
  assert.equal(await send(port), '250 2.0.0 Ok kept-1')
  const [{ sender, recipients, content } = assert.fail('no mail came')] = relay.mails
  assert.deepEqual([sender, recipients], ['a@client.test', ['b@client.test']])
  assert.match(Buffer.concat([...content]).toString(), /^Received: [\s\S]*\r\nSubject: Hello\r\n\r\nHi\r\n$/)
})

test("what a relay of one's own throws becomes a reply by the table of failures", async t => {
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

test("SMTPUTF8 and BINARYMIME are offered where a relay of one's own says that it takes them, else not", async t => {
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

test('a handlers hears what happens', async t => {
  const mails: MessageEvent['type'][] = []
  const logins: string[] = []
  const traffic: ConnectionEvent['type'][] = []
  const handlers = {
    mail: (event: MessageEvent) => mails.push(event.type),
    access: ({ type }: { type: string }) => logins.push(type),
    traffic: ({ type }: ConnectionEvent) => type !== 'reply' && traffic.push(type),
  }
  const access = { user: { name: 'user', password: 'secret' } }
  const { server, port } = await begin(t, { relay: keeping(), handlers, access, allowPlaintextAuth: true })
  await send(port, { auth: { user: 'user', pass: 'secret' } })
  await server.close()
  assert.deepEqual(
    [mails, logins, traffic],
    [['call', 'delivery', 'message'], ['loggedIn'], ['opened', 'closed']],
  )
})

test('a backend is chosen by its name', async t => {
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

test('only addresses that are allowed may come', async t => {
  const { port } = await begin(t, {
    relay: keeping(),
    access: { addresses: new AddressList('192.0.2.0/24') },
  })
  await assert.rejects(send(port), /554 5\.7\.1/)
})

test('the environment of the program settles nothing', async t => {
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

test('what cannot work is refused before anything is opened', async () => {
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
    [{ handlers: () => {} }, /^handlers must be an object$/],
    [{ handlers: { mails() {} } }, /^unknown option handlers\.mails$/],
    [{ handlers: { mail: 'x' } }, /^handlers\.mail must be a function$/],
    [{ onNotice: 'x' }, /^onNotice must be a function$/],
    [{ onError: {} }, /^onError must be a function$/],
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
    [
      { relay: keeping(), sendRate: 'auto' },
      /^The relay keeping knows of no send rate: auto is not possible$/,
    ],
    [{ relay: { name: 'own' } }, /^The relay's maxMessageBytes has to be a whole number/],
    [{ relay: 'discard', messageMemoryBytes: 1000 }, /^--message-memory \(1000 bytes\) cannot hold one mail/],
  ]
  for (const [options, message] of refused) {
    await assert.rejects(createServer(options as RelayServerOptions), error => {
      assert.match((error as Error).message, message)
      return true
    })
  }
})

test('what works, but perhaps not as it was meant, is noted', async () => {
  const notes: string[] = []
  await createServer({ relay: 'discard', maxRecipients: 5, onNotice: sentence => notes.push(sentence) })
  assert.deepEqual(notes, ['--max-recipients is below 100, which RFC 5321 requires of every server'])
})

test('an address that is taken is told in a sentence', async t => {
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

test('a server that was closed listens no more, not even where it had just begun to', async () => {
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

test('a mail that is under way when the server closes is taken', async t => {
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

test('a relay and a handlers may be objects with a class', async t => {
  class Watching {
    readonly heard = new Set<string>()
    mail({ type }: { type: string }) {
      this.heard.add(type)
    }
    traffic({ type }: { type: string }) {
      this.heard.add(type)
    }
    access({ type }: { type: string }) {
      this.heard.add(type)
    }
  }
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
  const notes: string[] = []
  const handlers = new Watching()
  const onNotice = (sentence: string) => notes.push(sentence)
  const filters = { denyTo: 'nobody' }
  const { server, port } = await begin(t, {
    relay: new Asked(),
    sendRate: 'auto',
    handlers,
    onNotice,
    filters,
  })
  await send(port, { auth: { user: 'user', pass: 'secret' } }).catch(() => undefined)
  await send(port)
  assert.deepEqual(await server.check(), ['14 a second'])
  await server.close()
  assert.deepEqual(notes, [])
  assert.ok(['call', 'delivery', 'message', 'opened', 'closed'].every(type => handlers.heard.has(type)))
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
    const handlers = {
      mail(event: MessageEvent) {
        if (event.type === 'delivery' && event.skipped !== undefined) skipped.push([...event.to])
        else if (event.type === 'message') ended.resolve()
      },
    }
    const { port } = await begin(t, { relay, handlers })
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
    // By then the server has read what the two have said, and that one of them has left.
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

test('the time to close may be without end, or none', async t => {
  for (const graceMs of [Number.POSITIVE_INFINITY, 2 ** 40]) {
    const { relay, arrived, release } = waiting()
    const { server, port } = await begin(t, { relay })
    const sent = send(port)
    await arrived.promise
    const closed = server.close(graceMs)
    // Node takes a wait that is too long for one of a millisecond, and such waits end in the order in which they began.
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

test('who is told of faults and of notes may throw', async t => {
  const fail = () => {
    throw new Error('not now')
  }
  const tls = () => fail()
  const { port, server } = await begin(t, {
    relay: keeping(),
    tls,
    onError: fail,
    onNotice: fail,
    maxRecipients: 5,
  })
  await assert.rejects(send(port, { requireTLS: true }))
  assert.match(await send(port, { ignoreTLS: true }), /^250 /)
  await server.close()
})

test('a certificate that is none ends the handshake, and leaves no connection behind', async t => {
  const faults: unknown[] = []
  const tls = (() => ({ cert: 'x', key: 'y' })) as never
  const { port, server } = await begin(t, { relay: keeping(), tls, onError: fault => faults.push(fault) })
  const implicit = await server.listen({ host: '127.0.0.1', port: 0, implicitTls: true })
  await assert.rejects(send(port, { requireTLS: true }))
  await assert.rejects(send(implicit.port, { secure: true }))
  await server.close(60_000)
  assert.deepEqual([server.connections, faults.length], [0, 2])
})

test('so many calls that nobody could wait for them do not leave the relay without time', async t => {
  // The wait for the answer begins between the two, and would end between them.
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

/** A relay that takes a mail when it is released, and tells when one has come. */
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
