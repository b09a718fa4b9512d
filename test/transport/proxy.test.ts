import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { Client } from '../../src/protocol/index.ts'
import { within } from '../program/deadline.ts'
import {
  addresses4,
  addresses6,
  binaryHeader,
  extension,
  healthCheck,
  lineHeader,
  lineOf,
} from './proxy-headers.ts'
import { RecordingHost } from './recording-host.ts'
import { type Conditions, Stand } from './stand.ts'
import { expectCode, Wire } from './wire.ts'

/** The load balancer of these tests; connections from 127.0.0.1 are not trusted. */
const proxy = '127.0.0.3'

interface Scene {
  readonly stand: Stand
  /** Clients that the host was asked about. */
  readonly clients: Client[]
}

async function set(t: TestContext, conditions: Conditions = {}): Promise<Scene> {
  const clients: Client[] = []
  const host = new RecordingHost({ connect: client => void clients.push(client) })
  return { stand: await Stand.set(t, host, { proxy, ...conditions }), clients }
}

const comeTo = (port: number) => Wire.connect(port, { from: proxy })

/** Connects from the load balancer, sends these bytes first, and reads the greeting. */
async function introduced(stand: Stand, header: Buffer | string): Promise<Wire> {
  const wire = await comeTo(stand.port)
  wire.say(header)
  await wire.greet()
  return wire
}

const headers: readonly (readonly [string, Buffer, string])[] = [
  ['TCP4', lineOf('192.0.2.7'), '192.0.2.7'],
  ['TCP6', lineOf('2001:db8::7'), '2001:db8::7'],
  ['UNKNOWN', lineHeader('UNKNOWN'), proxy],
  ['version 2 over IPv4', binaryHeader('2111', addresses4 + extension), '192.0.2.7'],
  ['version 2 over IPv6', binaryHeader('2121', addresses6), '2001:db8::7'],
  ['a health check', healthCheck, proxy],
]

for (const [name, header, address] of headers) {
  test(`after ${name} the client is ${address}, without TLS, with STARTTLS and with implicit TLS`, async t => {
    const { stand, clients } = await set(t)
    const clear = await introduced(stand, header)
    expectCode(await clear.mail('x\r\n'), 250)
    await clear.startTls()
    expectCode(await clear.ask('EHLO client.test'), 250)
    expectCode(await clear.mail('x\r\n'), 250)

    const secure = await comeTo(stand.tlsPort)
    await secure.put(header)
    await secure.wrap()
    await secure.greet()
    expectCode(await secure.mail('x\r\n'), 250)

    const seen = clients.map(({ address, healthCheck }) => [address, healthCheck])
    const expected = [address, name === 'a health check']
    assert.deepEqual(seen, [expected, expected])
    assert.deepEqual([stand.proxyErrors, stand.errors], [[], []])
  })

  test(`${name} may come byte by byte, and in one segment with commands`, async t => {
    const { stand, clients } = await set(t)
    const slow = await comeTo(stand.port)
    for (const byte of header) await slow.put(Buffer.of(byte))
    await slow.greet()

    const early = await comeTo(stand.port)
    early.say(Buffer.concat([header, Buffer.from('EHLO client.test\r\nNOOP\r\nQUI')]))
    for (const code of [220, 250, 250]) expectCode(await early.reply(), code)
    expectCode(await early.ask('T'), 221)
    assert.deepEqual(
      clients.map(client => client.address),
      [address, address],
    )
  })
}

/** Begins TLS as a client whose first bytes the test passes to the server. */
async function shakeHands(stand: Stand, carry: (hello: Buffer, wire: Wire) => Promise<void>): Promise<Wire> {
  const wire = await comeTo(stand.tlsPort)
  const { socket } = wire
  const write = socket.write.bind(socket)
  let first = true
  const duplex = new Duplex({
    read() {},
    write(bytes: Buffer, _, done) {
      if (!first) return void write(bytes, () => done())
      first = false
      carry(bytes, wire).then(() => done(), done)
    },
    final: done => void socket.end(done),
  })
  socket.removeAllListeners('data')
  socket.on('data', bytes => duplex.push(bytes))
  socket.on('end', () => duplex.push(null))
  const tls = connectTls({ socket: duplex, rejectUnauthorized: false })
  await within(
    new Promise((resolve, reject) => tls.once('secureConnect', resolve).once('error', reject)),
    'TLS',
  )
  return new Wire(tls)
}

test('header and ClientHello may come in one segment or byte by byte', async t => {
  const { stand, clients } = await set(t)
  const header = binaryHeader('2111', addresses4)
  const ways: Record<string, (hello: Buffer, wire: Wire) => Promise<void>> = {
    'one segment': (hello, wire) => wire.put(Buffer.concat([header, hello])),
    'byte by byte': async (hello, wire) => {
      for (const byte of Buffer.concat([header, hello])) await wire.put(Buffer.of(byte))
    },
    'a ClientHello in two': async (hello, wire) => {
      await wire.put(Buffer.concat([header, hello.subarray(0, 1)]))
      await wire.put(hello.subarray(1))
    },
  }
  for (const [way, carry] of Object.entries(ways)) {
    await t.test(way, async () => {
      const wire = await shakeHands(stand, carry)
      await wire.greet()
      expectCode(await wire.mail('x\r\n'), 250)
      expectCode(await wire.ask('QUIT'), 221)
    })
  }
  assert.deepEqual(
    clients.map(client => [client.address, client.secure]),
    Object.keys(ways).map(() => ['192.0.2.7', true]),
  )
})

test('no header is read from an address that is not a load balancer', async t => {
  const { stand, clients } = await set(t)
  for (const header of [lineOf('192.0.2.7').toString(), 'PROXY UNKNOWN\r\n']) {
    const wire = await Wire.connect(stand.port)
    wire.say(header)
    expectCode(await wire.reply(), 220)
    assert.equal((await wire.reply()).text, '500 5.5.1 Command unrecognized')
    expectCode(await wire.ask('EHLO client.test'), 250)
  }
  const binary = await Wire.connect(stand.port)
  binary.say(binaryHeader('2111', addresses4))
  expectCode(await binary.reply(), 220)
  expectCode(await binary.reply(), 500)
  for (const client of clients) assert.equal(client.address, '127.0.0.1')
  assert.equal(clients.length, 3)
})

test('a second header is an unknown command and changes no address', async t => {
  const { stand, clients } = await set(t)
  const wire = await comeTo(stand.port)
  wire.say(Buffer.concat([lineOf('192.0.2.7'), lineOf('192.0.2.8')]))
  expectCode(await wire.reply(), 220)
  assert.equal((await wire.reply()).text, '500 5.5.1 Command unrecognized')
  expectCode(await wire.ask('EHLO client.test'), 250)
  expectCode(await wire.ask('PROXY TCP4 192.0.2.9 192.0.2.25 1 25'), 500)
  expectCode(await wire.mail('x\r\n'), 250)
  assert.deepEqual(
    clients.map(client => client.address),
    ['192.0.2.7'],
  )
})

test('a load balancer without a valid header gets no reply', async t => {
  const { stand, clients } = await set(t)
  const wrong: readonly (readonly [string | Buffer, string])[] = [
    ['EHLO client.test\r\n', 'malformed'],
    ['PROXY TCP4 192.0.2.7\r\nEHLO client.test\r\n', 'malformed'],
    [Buffer.alloc(100_000, 'PROXY UNKNOWN '), 'malformed'],
    [binaryHeader('2111', addresses4, 0xffff), 'malformed'],
    [lineOf('192.0.2.7').subarray(0, -1), 'cut off'],
    [binaryHeader('2111', addresses4).subarray(0, 12), 'cut off'],
  ]
  for (const port of [stand.port, stand.tlsPort]) {
    for (const [bytes, reason] of wrong) {
      const wire = await comeTo(port)
      wire.say(bytes)
      if (reason === 'cut off') wire.finish()
      assert.equal(await wire.rest(), '')
      await stand.until(() => stand.proxyErrors.length > 0, 'a word about the header')
      assert.match(stand.proxyErrors.pop()!, new RegExp(`^${proxy}: it (is|was) ${reason}$`))
    }
  }
  await stand.emptied()
  assert.deepEqual([clients, stand.proxyErrors, stand.errors], [[], [], []])
})

test('a header that does not come in time closes the connection', async t => {
  const { stand } = await set(t, { timeouts: { proxyHeaderMs: 100 } })
  for (const port of [stand.port, stand.tlsPort]) {
    const silent = await comeTo(port)
    const half = await comeTo(port)
    half.say(lineOf('192.0.2.7').subarray(0, -1))
    assert.deepEqual([await silent.rest(), await half.rest()], ['', ''])
  }
  // More bytes do not extend the timeout.
  const slow = await comeTo(stand.port)
  slow.say('PROXY UNKNOWN')
  const timer = setInterval(() => slow.say(' '), 5)
  t.after(() => clearInterval(timer))
  assert.equal(await slow.rest(), '')
  await stand.emptied()
  assert.deepEqual(
    stand.proxyErrors,
    Array.from({ length: 5 }, () => `${proxy}: it did not come in time`),
  )
  // After the header, the client's own timeouts apply.
  const wire = await introduced(stand, lineOf('192.0.2.7'))
  const begun = performance.now()
  while (performance.now() - begun < 200) expectCode(await wire.ask('EHLO client.test'), 250)
})

test('a TCP health check of a load balancer is not reported', async t => {
  const { stand } = await set(t)
  for (const port of [stand.port, stand.tlsPort]) {
    for (const leave of ['vanish', 'reset'] as const) {
      const mute = await comeTo(port)
      mute[leave]()
      const polite = await comeTo(port)
      await polite.put(healthCheck)
      polite[leave]()
    }
  }
  await stand.until(() => stand.sockets.length === 8 && stand.closed.size === 8, 'the end of all sockets')
  await stand.emptied()
  assert.deepEqual([stand.proxyErrors, stand.errors], [[], []])
})

test('a client that closes its half at once is answered before the close', async t => {
  const { stand } = await set(t)
  const wire = await comeTo(stand.port)
  wire.say(Buffer.concat([lineOf('192.0.2.7'), Buffer.from('EHLO client.test\r\nNOOP\r\n')]))
  wire.finish()
  assert.match(await wire.rest(), /^220 .*\r\n250-.*250 2\.0\.0 Ok\r\n$/s)
  await stand.emptied()
})

test('clients of one load balancer are limited by their own addresses, not by its address', async t => {
  const { stand } = await set(t, { connectionLimits: { perAddress: 1 } })
  const first = await introduced(stand, lineOf('192.0.2.7'))
  await introduced(stand, lineOf('192.0.2.8'))
  const second = await comeTo(stand.port)
  second.say(binaryHeader('2111', addresses4))
  assert.match(await second.rest(), /^421 4\.7\.0 relay\.test has too many connections from your address/)
  const secure = await comeTo(stand.tlsPort)
  secure.say(lineOf('192.0.2.7'))
  assert.equal(await secure.rest(), '')
  // Its own connections are not limited.
  for (const header of [healthCheck, healthCheck, lineHeader('UNKNOWN')]) await introduced(stand, header)

  // A direct connection of a client counts together with those through the load balancer.
  await introduced(stand, lineOf('127.0.0.1'))
  assert.match(await (await Wire.connect(stand.port)).rest(), /^421 4\.7\.0 /)
  first.reset()
  await stand.until(() => stand.server.connections === 5, 'room for one more')
  await introduced(stand, lineOf('192.0.2.7'))
})

test('clients of one /64 share a limit', async t => {
  const { stand } = await set(t, { connectionLimits: { perAddress: 1 } })
  await introduced(stand, lineOf('2001:db8::7'))
  const neighbour = await comeTo(stand.port)
  neighbour.say(lineOf('2001:db8:0:0:ffff::1'))
  assert.match(await neighbour.rest(), /^421 4\.7\.0 /)
  await introduced(stand, lineOf('2001:db8:0:1::7'))
})

test('connections whose header has not come count in the total', async t => {
  const { stand } = await set(t, { connectionLimits: { total: 1 } })
  const waiting = await comeTo(stand.port)
  await stand.until(() => stand.server.connections === 1, 'the first one')
  const other = await comeTo(stand.port)
  assert.match(await other.rest(), /^421 4\.3\.2 /)
  assert.match(await (await Wire.connect(stand.port)).rest(), /^421 4\.3\.2 /)
  waiting.say(lineOf('192.0.2.7'))
  await waiting.greet()
  assert.equal(stand.server.connections, 1)
})

test('a server that shuts down does not wait for headers', async t => {
  const { stand } = await set(t)
  const silent = await comeTo(stand.port)
  const half = await comeTo(stand.tlsPort)
  half.say('PROXY TCP4 ')
  const served = await introduced(stand, lineOf('192.0.2.7'))
  await stand.until(() => stand.server.connections === 3, 'all of them')
  const closed = stand.server.close(60_000)
  expectCode(await served.reply(), 421)
  served.finish()
  assert.deepEqual([await silent.rest(), await half.rest()], ['', ''])
  await within(closed, 'the server to close')
  assert.deepEqual([stand.proxyErrors, stand.errors], [[], []])
})
