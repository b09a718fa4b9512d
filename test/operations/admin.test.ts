import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { serveAdmin } from '../../src/operations/admin.ts'
import { within } from '../support/deadline.ts'

let port = 0
let reasons: readonly string[] = []
let metrics = async () => 'a 1\n'

before(async () => {
  // It serves until the process ends, and the process is this file.
  port = await serveAdmin(
    { host: '127.0.0.1', port: 0 },
    { notReadyReasons: async () => reasons, metrics: () => metrics() },
  )
})

/** Sends these bytes, and returns everything that is answered until the connection ends. */
async function say(bytes: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  let received = ''
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => (received += text))
  // `close` follows.
  socket.on('error', () => {})
  socket.write(bytes, 'latin1')
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  await within(closed, 'the end of the connection', () => received)
  return received
}

const ask = (method: string, path: string) => say(`${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)

test('/healthz of a process that serves is 200', async () => {
  assert.match(await ask('GET', '/healthz'), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok\n$/)
})

test('/readyz of a process that is not ready has a line per reason', async () => {
  assert.match(await ask('GET', '/readyz'), /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nok\n$/)
  reasons = ['draining', 'upstream']
  assert.match(await ask('GET', '/readyz'), /^HTTP\/1\.1 503 [\s\S]*\r\n\r\ndraining\nupstream\n$/)
})

test('metrics have the content type of their format, and a query string is ignored', async () => {
  const heard = await ask('GET', '/metrics?x=1')
  assert.match(heard, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\na 1\n$/)
  assert.match(heard, /\r\ncontent-type: text\/plain; version=0\.0\.4; charset=utf-8\r\n/)
})

test('HEAD is answered like GET, without the body', async () => {
  for (const path of ['/healthz', '/readyz', '/metrics', '/nothing']) {
    const [get = '', head = ''] = await Promise.all([ask('GET', path), ask('HEAD', path)])
    const headOf = (text: string) => text.slice(0, text.indexOf('\r\n\r\n') + 4).replace(/\r\nDate: .*/, '')
    assert.equal(headOf(head), headOf(get))
    assert.ok(head.endsWith('\r\n\r\n'), head)
  }
})

test('other methods are answered 405 with the allowed ones', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const heard = await ask(method, '/metrics')
    assert.match(heard, /^HTTP\/1\.1 405 /)
    assert.match(heard, /\r\nallow: GET, HEAD\r\n/)
  }
})

test('other paths are answered 404', async () => {
  for (const path of ['/', '/metrics/', '/HEALTHZ', '//healthz', '/../metrics', 'http://x/metrics', '*']) {
    assert.match(await ask('GET', path), /^HTTP\/1\.1 40[04] /, path)
  }
})

test('no answer repeats anything from a request', async () => {
  for (const bytes of [
    'GET /c0ffee?c0ffee HTTP/1.1\r\nHost: c0ffee\r\nX-Request-Id: c0ffee\r\n\r\n',
    'c0ffee\r\n\r\n',
    'c0ffee /healthz HTTP/1.1\r\n\r\n',
    'GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: c0ffee\r\n\r\n',
    'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nc0ffee',
    `GET /${'c0ffee'.repeat(1000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    '\x16\x03\x01c0ffee\r\n\r\n',
  ]) {
    assert.ok(!(await say(bytes)).includes('c0ffee'), bytes.slice(0, 60))
  }
})

test('a request with headers of more than 4 KiB is refused', async () => {
  const heard = await say(`GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(5000)}\r\n\r\n`)
  assert.match(heard, /^HTTP\/1\.1 431 /)
})

test('a connection is for one request, even if the client wants to keep it', async () => {
  const request = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n'
  const heard = await say(request + request)
  assert.equal(heard.split('HTTP/1.1 200').length, 2)
  assert.match(heard, /\r\nconnection: close\r\n/i)
})

test('a request that is not finished is ended after a few seconds', async () => {
  const begun = performance.now()
  const heard = await say('GET /healthz HTTP/1.1\r\nHost')
  assert.match(heard, /^(HTTP\/1\.1 408 [\s\S]*)?$/)
  assert.ok(performance.now() - begun < 10_000)
})

/** Keeps a number of connections open that never end their request. A connection that is closed is opened again. */
function keepOpen(
  t: TestContext,
  connections: number,
  from: string,
  request = 'GET /healthz HTTP/1.1\r\nHost',
): void {
  let over = false
  const sockets = new Set<Socket>()
  const open = () => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from }).on('error', () => {})
    sockets.add(socket)
    socket.write(request)
    socket.pause()
    socket.on('close', () => {
      sockets.delete(socket)
      if (!over) setImmediate(open)
    })
  }
  for (let n = 0; n < connections; n++) open()
  t.after(() => {
    over = true
    for (const socket of sockets) socket.destroy()
  })
}

for (const [who, connections, from] of [
  ['64 slow clients of the same address', 64, '127.0.0.1'],
  ['500 slow clients of another address', 500, '127.0.0.2'],
] as const)
  test(`every probe is answered, beside ${who}`, { skip: process.platform !== 'linux' }, async t => {
    keepOpen(t, connections, from)
    for (let probe = 0; probe < 100; probe++) {
      assert.match(await ask('GET', '/healthz'), /^HTTP\/1\.1 200 /, `probe ${probe}`)
      if (probe % 10 === 0) await sleep(100)
    }
  })

test('every probe is answered, beside clients that do not read their answers', {
  skip: process.platform !== 'linux',
}, async t => {
  const before = metrics
  metrics = async () => `a ${'1'.repeat(1024 * 1024)}\n`
  keepOpen(t, 200, '127.0.0.2', 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
  await sleep(200)
  for (let probe = 0; probe < 20; probe++)
    assert.match(await ask('GET', '/healthz'), /^HTTP\/1\.1 200 /, `probe ${probe}`)
  metrics = before
})

test('beyond 128 connections, the oldest one without a request is closed', async () => {
  const silent = (count: number) =>
    Array.from({ length: count }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}))
  const [first] = silent(1)
  await once(first!, 'connect')
  const others = silent(127)
  await within(Promise.all(others.map(socket => once(socket, 'connect'))), '128 connections')
  const closed = once(first!.resume(), 'close')
  const [last] = silent(1)
  await within(closed, 'the oldest to be closed')
  assert.ok([...others, last!].every(socket => !socket.destroyed))
  for (const socket of [...others, last!]) socket.destroy()
})

test('metrics that fail are answered 500 without the reason', async () => {
  const before = metrics
  metrics = () => Promise.reject(new Error('c0ffee'))
  const heard = await ask('GET', '/metrics')
  metrics = before
  assert.match(heard, /^HTTP\/1\.1 500 [\s\S]*\r\n\r\ninternal error\n$/)
  assert.ok(!heard.includes('c0ffee'))
})

test('an address in use rejects with the error of node:net', async () => {
  const handlers = { notReadyReasons: async () => [], metrics: async () => '' }
  await assert.rejects(serveAdmin({ host: '127.0.0.1', port }, handlers), { code: 'EADDRINUSE' })
})
