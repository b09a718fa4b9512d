import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { plain } from '../../src/auth/index.ts'
import {
  defaultLimits,
  defaultSettings,
  type Host,
  type MessageSink,
  type Question,
  type Reply,
  Session,
  type SessionSettings,
  type Transaction,
} from '../../src/protocol/index.ts'
import { within } from '../support/deadline.ts'
import { Stand } from './stand.ts'

// A client pipelines a long random session, cuts it at random places, and stops reading at random times; the host
// answers at random times. The replies and the messages must be those of the engine, fed with the same bytes at once.

const firstSeed = Number(process.env.SEED ?? 1)
const rounds = Number(process.env.ROUNDS ?? 3)
const clientsPerRound = 20

const settings: SessionSettings = {
  ...defaultSettings,
  hostname: 'relay.test',
  service: 'Relay',
  tls: 'offered',
  mechanisms: [plain],
  allowPlaintextAuth: true,
  binaryMime: true,
  limits: {
    ...defaultLimits,
    messageBytes: 200_000,
    turnCommands: 7,
    hardErrorLimit: Number.POSITIVE_INFINITY,
    junkCommands: Number.POSITIVE_INFINITY,
    smallChunks: Number.POSITIVE_INFINITY,
    authFailures: Number.POSITIVE_INFINITY,
  },
}

/** The same numbers for the same seed (mulberry32). */
class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** At least 0 and less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** At least 0 and less than `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }
}

/** Long enough that a few of them fill every buffer between server and client. */
const longText = Array.from({ length: 250 }, (_, line) => `line ${line} ${'x'.repeat(60)}`)

/** Its decisions depend on the question only. */
function decide(question: Question): Reply | undefined {
  if (question.type === 'login') {
    const ok = JSON.stringify(question.credentials).includes('good')
    return ok ? undefined : { code: 535, status: '5.7.8', text: 'No' }
  }
  const address =
    'address' in question
      ? question.address
      : 'transaction' in question
        ? question.transaction.sender.address
        : ''
  const refused = address.includes(`no-${question.type}`)
  if (refused) return { code: address.includes('later') ? 451 : 550, text: `No ${address}` }
  if (question.type === 'recipient')
    return { code: 250, text: address.startsWith('long') ? longText : `Ok ${address}` }
  return undefined
}

type Messages = Map<string, string[]>

/** Replies and messages of the engine if all bytes and all answers come at once. */
function expected(parts: readonly Buffer[], secure: boolean): { replies: string[]; messages: string[] } {
  const session = new Session(settings, { address: '127.0.0.1', secure })
  const replies: string[] = []
  const messages: string[] = []
  let content: Buffer[] = []
  let open = false
  let closed = false
  const run = () => {
    for (let event = session.next(); event !== undefined; event = session.next()) {
      if (event.type === 'content') content.push(Buffer.from(event.bytes))
      else if (event.type === 'discard') content = []
      else if (event.type === 'close') closed = true
      else if (event.type === 'pause' || event.type === 'yield') continue
      else if (event.type === 'upgrade') {
        open = true
        return
      } else {
        const verdict = decide(event)
        if (event.type === 'message') content = []
        if (event.type === 'delivery' && verdict === undefined)
          messages.push(`${event.transaction.sender.address}\n${Buffer.concat(content).toString('latin1')}`)
        session.answer(verdict)
      }
    }
  }
  for (const part of parts) {
    if (open) session.tlsEstablished()
    open = false
    session.receive(part)
    run()
    if (closed) session.disconnected()
    replies.push(session.takeOutput())
  }
  session.disconnected()
  return { replies, messages }
}

/** The bytes of a session. If there are two parts, TLS begins between them. */
function randomSession(random: Random, client: string, startTls: boolean): Buffer[] {
  const parts: Buffer[] = []
  let said: string[] = []
  let number = 0
  const text = (most: number) => {
    let text = ''
    const size = random.below(most)
    while (text.length < size)
      text += random.of([
        '.',
        '..',
        'x'.repeat(random.below(90)),
        '\r\n',
        '\r\n.',
        '\r\n',
        '\n',
        '\r',
        '\0\xff',
        'y'.repeat(random.below(2000)),
      ])
    return text
  }
  const address = (kind: string) =>
    `${random.chance(0.1) ? `no-${kind}${random.of(['', '-later'])}-` : ''}${client}-${number++}@example.org`
  const most = () => random.of([10, 100, 1000, 2000, 20_000, random.of([2000, 250_000])])
  const actions: (() => void)[] = [
    () =>
      said.push(
        random.of([
          'NOOP',
          'RSET',
          'VRFY x',
          'HELP',
          'EXPN x',
          'NO OP',
          '',
          `EHLO ${client}`,
          `HELO ${client}`,
          'MAIL FROM',
          'DATA',
          'BDAT 0 LAST',
          'AUTH PLAIN AGdvb2QAZ29vZA==',
          'AUTH PLAIN AGJhZABiYWQ=',
          'AUTH PLAIN\r\nAGJhZABiYWQ=',
          'AUTH PLAIN\r\n*',
          'AUTH X',
        ]),
        '\r\n',
      ),
    () => said.push('NOOP\r\n'.repeat(random.below(200))),
    () => said.push(`NOOP ${'z'.repeat(random.below(5000))}\r\n`),
    () => said.push('NOOP\nRSET\r\n'),
    () => {
      const sender = random.chance(0.1)
        ? address('message')
        : random.chance(0.1)
          ? address('delivery')
          : address('sender')
      said.push(`MAIL FROM:<${sender}>\r\n`)
      const recipients = random.of([1, 1, 1, 2, 5])
      for (let at = 0; at < recipients; at++) said.push(`RCPT TO:<${address('recipient')}>\r\n`)
      if (random.chance(0.05))
        for (let at = 0; at < 60; at++) said.push(`RCPT TO:<long-${at}@example.org>\r\n`)
      if (random.chance(0.1)) return
      if (random.chance(0.5)) {
        said.push('DATA\r\n', text(most()).replaceAll('\r\n.\r\n', '\r\n'), '\r\n.\r\n')
        return
      }
      const chunks = 1 + random.below(4)
      for (let at = 1; at <= chunks; at++) {
        const chunk = text(most())
        said.push(`BDAT ${chunk.length}${at === chunks && random.chance(0.9) ? ' LAST' : ''}\r\n`, chunk)
      }
    },
  ]
  const say = () => {
    const steps = random.of([3, 10, 30])
    for (let step = 0; step < steps; step++) (random.chance(0.4) ? actions[4]! : random.of(actions))()
  }
  said.push(`EHLO ${client}\r\n`)
  say()
  if (startTls) {
    said.push('RSET\r\n', 'STARTTLS\r\n')
    parts.push(Buffer.from(said.join(''), 'latin1'))
    said = [`EHLO ${client}\r\n`]
    say()
  }
  if (random.chance(0.5)) said.push('QUIT\r\n')
  parts.push(Buffer.from(said.join(''), 'latin1'))
  return parts
}

/** A socket that sends in random pieces and receives at random times. */
class Cut extends Duplex {
  readonly #socket: Socket
  readonly #random: Random
  #head: Buffer
  readonly #slow: boolean

  constructor(socket: Socket, random: Random, head: Buffer) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#random = random
    this.#head = head
    this.#slow = random.chance(0.3)
    socket.on('readable', () => this.#take())
    socket.on('end', () => this.push(null))
    socket.on('error', () => this.destroy())
    socket.on('close', () => this.destroy())
  }

  override _read(): void {
    this.#take()
  }

  async #take(): Promise<void> {
    if (this.#random.chance(0.1)) await sleep(this.#random.below(this.#slow ? 40 : 4))
    const bytes = this.#socket.read() as Buffer | null
    if (bytes !== null) this.push(bytes)
  }

  override _write(chunk: Buffer, _: unknown, done: (error?: Error) => void): void {
    const all = Buffer.concat([this.#head, chunk])
    this.#head = Buffer.alloc(0)
    void this.#send(all).then(() => done())
  }

  async #send(bytes: Buffer): Promise<void> {
    const random = this.#random
    const most = random.of([1, 50, 2000, 20_000, 1_000_000, 1_000_000])
    let sent = 0
    for (let at = 0; at < bytes.length; ) {
      const size = most === 1 && sent++ < 300 ? 1 : 1 + random.below(Math.max(most, 2000))
      const piece = bytes.subarray(at, at + size)
      at += size
      if (!this.#socket.write(piece))
        await Promise.race([once(this.#socket, 'drain'), once(this.#socket, 'close')]).catch(() => {})
      if (random.chance(0.1)) await sleep(random.below(3))
      else if (random.chance(0.3)) await new Promise(resolve => setImmediate(resolve))
    }
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}

const counts = { cases: 0, resets: 0, bytes: 0, messages: 0 }

class DelayingHost implements Host {
  readonly messages: Messages = new Map()
  opened = 0
  ended = 0
  readonly errors: string[] = []
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  #later<T>(value: () => T): T | Promise<T> {
    const random = this.#random
    if (random.chance(0.5)) return value()
    if (random.chance(0.3)) return Promise.resolve().then(value)
    if (random.chance(0.6)) return new Promise(resolve => setImmediate(() => resolve(value())))
    return sleep(random.below(4)).then(value)
  }

  connect() {
    return this.#later(() => undefined)
  }
  login(question: Question) {
    return this.#later(() => decide(question))
  }
  sender(question: Question) {
    return this.#later(() => decide(question))
  }
  recipient(question: Question) {
    return this.#later(() => decide(question))
  }

  message(transaction: Transaction): MessageSink | Reply | Promise<MessageSink | Reply> {
    const refusal = decide({ type: 'message', transaction })
    return this.#later(() => refusal ?? this.#sink(transaction))
  }

  #sink(transaction: Transaction): MessageSink {
    this.opened++
    const parts: Buffer[] = []
    let ended = false
    let writing = false
    const check = (what: string) => {
      if (ended) this.errors.push(`${what} after the end`)
    }
    return {
      write: bytes => {
        check('write')
        if (writing) this.errors.push('write while the one before is not done')
        parts.push(Buffer.from(bytes))
        const answer = this.#later(() => void (writing = false))
        writing = answer instanceof Promise
        return answer
      },
      deliver: () => {
        check('deliver')
        ended = true
        this.ended++
        const sender = transaction.sender.address
        const verdict = decide({ type: 'delivery', transaction, size: 0 })
        if (verdict === undefined) {
          const client = /(c\d+)-\d+@/.exec(sender)![1]!
          const list = this.messages.get(client) ?? []
          list.push(`${sender}\n${Buffer.concat(parts).toString('latin1')}`)
          this.messages.set(client, list)
        }
        return this.#later(() => verdict)
      },
      discard: () => {
        check('discard')
        ended = true
        this.ended++
      },
    }
  }
}

async function converse(stand: Stand, host: DelayingHost, seed: number): Promise<void> {
  const random = new Random(seed)
  const client = `c${seed}`
  const tls = random.of(['none', 'starttls', 'implicit'] as const)
  const proxied = random.chance(0.4)
  const parts = randomSession(random, client, tls === 'starttls')
  const { replies, messages } = expected(parts, tls === 'implicit')
  const isReset = random.chance(0.15)
  const where = `seed ${seed}, TLS ${tls}, ${proxied ? 'with PROXY header' : ''}`
  const tcp = connect({
    port: tls === 'implicit' ? stand.tlsPort : stand.port,
    host: '127.0.0.1',
    allowHalfOpen: true,
    ...(proxied && { localAddress: '127.0.0.9' }),
  })
  const head = Buffer.from(proxied ? 'PROXY TCP4 127.0.0.1 127.0.0.1 1 25\r\n' : '')
  const cut = new Cut(tcp, random, head)
  cut.on('error', () => {})
  let received = ''
  let wanted = 0
  let enough = () => {}
  let ended = () => {}
  const end = new Promise<void>(resolve => (ended = resolve))
  const receive = (stream: Duplex) => {
    stream.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1')
      if (received.length >= wanted) enough()
    })
    stream.on('end', ended)
    stream.on('close', ended)
    stream.on('error', () => {})
  }
  const secured = (over: Duplex) =>
    connectTls({
      socket: over,
      rejectUnauthorized: false,
      servername: 'relay.test',
      allowHalfOpen: true,
    } as never)
  let stream: Duplex = tls === 'implicit' ? secured(cut) : cut
  if (isReset) setTimeout(() => tcp.resetAndDestroy(), random.below(60))
  receive(stream)
  for (const [at, part] of parts.entries()) {
    stream.write(part)
    if (at === parts.length - 1) {
      stream.end()
      await within(
        end,
        'the end',
        () =>
          `${where}: received ${received.length} of ${replies.join('').length}, tail ${JSON.stringify(received.slice(-200))}`,
        20_000,
      )
    } else {
      wanted = replies.slice(0, at + 1).join('').length
      const all = new Promise<void>(resolve => (enough = resolve))
      if (received.length < wanted)
        await within(
          Promise.race([all, end]),
          'replies',
          () =>
            `${where}: received ${received.length} of ${wanted}, tail ${JSON.stringify(received.slice(-200))}`,
          20_000,
        )
      if (received.length < wanted || cut.destroyed) break
      stream.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close')
      stream = secured(cut)
      receive(stream)
    }
  }
  tcp.destroy()
  counts.cases++
  counts.bytes += Buffer.concat(parts).length
  const all = replies.join('')
  const taken = host.messages.get(client) ?? []
  counts.messages += taken.length
  if (isReset) {
    counts.resets++
    assert.equal(received, all.slice(0, received.length), where)

    assert.deepEqual(taken, messages.slice(0, taken.length), where)
    return
  }
  if (received !== all) {
    let at = 0
    while (received[at] === all[at]) at++
    assert.fail(
      `${where}: replies differ at ${at} of ${all.length} (received ${received.length}): ${JSON.stringify(received.slice(at - 100, at + 100))} expected ${JSON.stringify(all.slice(at - 100, at + 100))}`,
    )
  }
  assert.equal(taken.length, messages.length, where)
  for (const [at, message] of messages.entries()) assert.ok(taken[at] === message, `${where}: message ${at}`)
}

/** Cleanup of each server. */
const tidy: (() => Promise<void>)[] = []
const scope = { after: (end: () => Promise<void>) => void tidy.push(end) }

try {
  await play()
  for (const end of tidy) await end()
  console.log(JSON.stringify(counts))
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
// Not left to Node.js: with Node.js 24, a TLS client over a stream that was destroyed can keep the process from ending.
process.exit()

async function play(): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const seed = firstSeed + round * clientsPerRound
    const host = new DelayingHost(new Random(seed))
    let ends = 0
    let opens = 0
    const stand = await Stand.set(scope, host, {
      settings,
      timeouts: { errorDelayMs: 2, lingerMs: 2000 },
      proxy: '127.0.0.9',
      onEvent: event => {
        if (event.type === 'opened') opens++
        if (event.type === 'closed') ends++
      },
    })
    await Promise.all(Array.from({ length: clientsPerRound }, (_, at) => converse(stand, host, seed + at)))
    await stand.emptied()
    assert.deepEqual(stand.errors, [])
    assert.deepEqual(host.errors, [])
    assert.equal(ends, opens, `seed ${seed}: ends`)
    assert.equal(host.ended, host.opened, `seed ${seed}: sinks`)

    await stand.server.close(0)
  }
}
