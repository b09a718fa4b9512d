import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RelayEvent } from '../../src/operations/events.ts'
import { eventLog } from '../../src/operations/log.ts'
import { createLogSink, type LogSink } from '../../src/operations/log-streams.ts'
import type { Delivery } from '../../src/relay/events.ts'

const delivery: Delivery = {
  time: new Date('2018-04-18T15:08:42.438Z'),
  ip: '172.17.0.1',
  from: 'alice@example.org',
  to: ['bob@example.org'],
  messageId: '0102-abc',
  size: 1234,
  durationMs: 56,
  relay: 'ses',
}

test('an accepted message is one line on stdout, with the keys of the Go program first', () => {
  assert.deepEqual(written(delivery), {
    out: [
      '{"Time":"2018-04-18T15:08:42.438Z","IP":"172.17.0.1","From":"alice@example.org","To":["bob@example.org"],' +
        '"Error":null,"MessageId":"0102-abc","Size":1234,"DurationMs":56,"Relay":"ses"}\n',
    ],
    err: [],
  })
})

test('a failed message is one line on stderr', () => {
  const { out, err } = written({ ...delivery, error: 'MissingRegion: could not find region configuration' })
  assert.deepEqual(out, [])
  assert.equal(JSON.parse(err[0]!).Error, 'MissingRegion: could not find region configuration')
  assert.deepEqual(Object.keys(JSON.parse(err[0]!)).slice(0, 5), ['Time', 'IP', 'From', 'To', 'Error'])
})

test('skipped recipients have a line on stdout that says why, with the same first five keys', () => {
  const { time, ip, from, to, size } = delivery
  const skipped = 'already delivered by an earlier attempt'
  assert.deepEqual(written({ time, ip, from, to, size: size!, relay: 'ses', skipped }), {
    out: [
      '{"Time":"2018-04-18T15:08:42.438Z","IP":"172.17.0.1","From":"alice@example.org","To":["bob@example.org"],' +
        '"Error":null,"Size":1234,"Relay":"ses","Skipped":"already delivered by an earlier attempt"}\n',
    ],
    err: [],
  })
})

test('the null sender is the empty string', () => {
  assert.match(written({ ...delivery, from: '' }).out[0]!, /"From":""/)
})

test('the user is logged if the client has logged in', () => {
  assert.equal(JSON.parse(written({ ...delivery, user: 'alice' }).out[0]!).User, 'alice')
})

test('a client that is not let in is one line on stderr, a login is not logged', () => {
  const client = { address: '192.0.2.7', name: 'x', extended: true, secure: true, user: 'alice' }
  const { out, err } = logged(
    { type: 'loggedIn', mechanism: 'PLAIN', username: 'alice', client },
    { type: 'senderNotAllowed', username: 'alice', sender: 'bob@example.org', client },
    { type: 'wrongPassword', mechanism: 'PLAIN', username: 'alice', client: { ...client, user: undefined } },
  )
  assert.deepEqual(out, [])
  assert.deepEqual(withoutTime(err), [
    {
      IP: '192.0.2.7',
      From: 'bob@example.org',
      To: [],
      Error: 'denied sender: user alice may not send as bob@example.org',
      User: 'alice',
    },
    { IP: '192.0.2.7', From: '', To: [], Error: 'Invalid password of user: alice' },
  ])
})

test('a PROXY header that is not valid is one line on stderr, with its reason', () => {
  const { out, err } = logged({ type: 'proxyError', address: '192.0.2.9', reason: 'no signature' })
  assert.deepEqual(out, [])
  assert.deepEqual(withoutTime(err), [
    { IP: '192.0.2.9', From: '', To: [], Error: 'No valid PROXY header: no signature' },
  ])
})

test('a notice is a line on stderr as it is, and connections are logged with --verbose only', () => {
  const { out, err } = logged(
    { type: 'notice', text: 'TLS certificate reloaded' },
    { type: 'opened', address: '192.0.2.7' },
    { type: 'call', relay: 'ses', outcome: 'accepted', durationMs: 1, isRetry: false },
  )
  assert.deepEqual([out, err], [[], ['TLS certificate reloaded\n']])
})

test('no text forges a line or moves the cursor, and every text can be parsed back', () => {
  const nasty = fc.constantFrom(
    '\n',
    '\r',
    '\x1b',
    '\x7f',
    '\x85',
    '\x9b',
    '\u2028',
    '\u2029',
    '"',
    '\\',
    '<',
    '\ud800',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(nasty).map(parts => parts.join('')),
  )
  fc.assert(
    fc.property(text, text, (from, to) => {
      const [line] = written({ ...delivery, from, to: [to] }).out
      assert.match(line!, /^[^\x00-\x1f\x7f-\x9f<>&\u2028\u2029]*\n$/)
      const read = JSON.parse(line!)
      assert.deepEqual([read.From, read.To], [from, [to]])
    }),
  )
})

test('an error of the program is one line on stderr, with its stack', () => {
  const { out, err } = logged(
    { type: 'error', error: new TypeError('two\nlines') },
    { type: 'error', error: 'no error at all' },
  )
  assert.deepEqual(out, [])
  assert.match(JSON.parse(err[0]!).Error, /^TypeError: two\nlines\n +at /)
  assert.equal(JSON.parse(err[1]!).Error, 'no error at all')
  for (const line of err) assert.match(line, /^[^\n]+\n$/)
})

test('when the reader of one stream goes away, the other stream reports it once, and nothing else happens', async () => {
  const lines: string[] = []
  const err = new Writable({
    write: (chunk, _, done) => {
      lines.push(String(chunk))
      done()
    },
  })
  const out = new Writable({
    autoDestroy: false,
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  })
  const log = eventLog(createLogSink(out, err), { verbose: false })
  for (const _ of [1, 2, 3]) {
    log({ type: 'delivery', ...delivery })
    await new Promise(resolve => setImmediate(resolve))
  }
  log({ type: 'delivery', ...delivery, error: 'x' })
  assert.equal(lines.length, 2)
  assert.equal(JSON.parse(lines[0]!).Error, 'stdout: write EPIPE')
  assert.equal(JSON.parse(lines[1]!).Error, 'x')
})

test('when both readers are gone, nothing is thrown', async () => {
  const broken = () =>
    new Writable({ autoDestroy: false, write: (_chunk, _encoding, done) => done(new Error('EIO')) })
  const log = eventLog(createLogSink(broken(), broken()), { verbose: false })
  log({ type: 'delivery', ...delivery })
  log({ type: 'delivery', ...delivery, error: 'x' })
  await new Promise(resolve => setImmediate(resolve))
  log({ type: 'delivery', ...delivery })
  await new Promise(resolve => setImmediate(resolve))
})

test('lines that are not read are dropped beyond a limit', () => {
  const lines = { out: 0, err: [] as string[] }
  const stuck = {
    writableLength: 0,
    on: () => stuck,
    write(text: string) {
      stuck.writableLength += text.length
      lines.out++
      return false
    },
  }
  const other = { on: () => other, write: (text: string) => lines.err.push(text) > 0 }
  const { out } = createLogSink(stuck as never, other as never)
  const line = 'x'.repeat(1024 * 1024)
  for (let i = 0; i < 100; i++) out(line)
  assert.equal(lines.out, 16)
  assert.equal(lines.err.length, 1)
  assert.match(lines.err[0]!, /"stdout is not being read; dropping log lines"/)
})

function written(...deliveries: readonly Delivery[]): { out: string[]; err: string[] } {
  return logged(...deliveries.map(one => ({ type: 'delivery', ...one }) as const))
}

/** Returns the lines of these events on each stream. */
function logged(...events: readonly RelayEvent[]): { out: string[]; err: string[] } {
  const lines = { out: [] as string[], err: [] as string[] }
  const sink: LogSink = { out: line => lines.out.push(line), err: line => lines.err.push(line) }
  const log = eventLog(sink, { verbose: false })
  for (const event of events) log(event)
  return lines
}

function withoutTime(lines: readonly string[]): object[] {
  return lines.map(line => {
    const { Time, ...fields } = JSON.parse(line)
    return fields
  })
}
