import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { deliveryLog, faultLog } from '../../src/operations/log.ts'
import { createLogSink } from '../../src/operations/log-streams.ts'
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

test('an accepted mail is one line on standard output, the keys of the Go program first', () => {
  assert.deepEqual(written(delivery), {
    out: [
      '{"Time":"2018-04-18T15:08:42.438Z","IP":"172.17.0.1","From":"alice@example.org","To":["bob@example.org"],' +
        '"Error":null,"MessageId":"0102-abc","Size":1234,"Ms":56,"Relay":"ses"}\n',
    ],
    err: [],
  })
})

test('a failed mail is one line on standard error', () => {
  const { out, err } = written({ ...delivery, error: 'MissingRegion: could not find region configuration' })
  assert.deepEqual(out, [])
  assert.equal(JSON.parse(err[0]!).Error, 'MissingRegion: could not find region configuration')
  assert.deepEqual(Object.keys(JSON.parse(err[0]!)).slice(0, 5), ['Time', 'IP', 'From', 'To', 'Error'])
})

test('recipients that are left out have a line on standard output that says why, the five keys as ever', () => {
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

test('the user is there when there is one', () => {
  assert.equal(JSON.parse(written({ ...delivery, user: 'alice' }).out[0]!).User, 'alice')
})

test('who is not let in is one line on standard error, who logs in has none', () => {
  const err: string[] = []
  const { access } = deliveryLog({ out: () => assert.fail('not here'), err: line => err.push(line) })
  const client = { address: '192.0.2.7', name: 'x', extended: true, secure: true, user: 'alice' }
  access({ type: 'loggedIn', mechanism: 'PLAIN', username: 'alice', client })
  access({ type: 'senderNotAllowed', username: 'alice', sender: 'bob@example.org', client })
  access({
    type: 'wrongPassword',
    mechanism: 'PLAIN',
    username: 'alice',
    client: { ...client, user: undefined },
  })
  const lines = err.map(line => JSON.parse(line))
  assert.deepEqual(
    lines.map(({ Time, ...line }) => line),
    [
      {
        IP: '192.0.2.7',
        From: 'bob@example.org',
        To: [],
        Error: 'denied sender: user alice may not send as bob@example.org',
        User: 'alice',
      },
      { IP: '192.0.2.7', From: '', To: [], Error: 'Invalid password of user: alice' },
    ],
  )
})

test('no text forges a line or moves a cursor, and every text can be read back', () => {
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

test("a fault of the program's own is one line on standard error, with its stack", () => {
  const err: string[] = []
  const tell = faultLog({ out: () => assert.fail('not here'), err: line => err.push(line) })
  tell(new TypeError('two\nlines'))
  tell('no error at all')
  assert.match(JSON.parse(err[0]!).Error, /^TypeError: two\nlines\n +at /)
  assert.equal(JSON.parse(err[1]!).Error, 'no error at all')
  for (const line of err) assert.match(line, /^[^\n]+\n$/)
})

test('when the reader of one stream goes away, the other says so once and nothing else happens', async () => {
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
  const { mail: log } = deliveryLog(createLogSink(out, err))
  for (const _ of [1, 2, 3]) {
    log({ type: 'delivery', ...delivery })
    await new Promise(resolve => setImmediate(resolve))
  }
  log({ type: 'delivery', ...delivery, error: 'x' })
  assert.equal(lines.length, 2)
  assert.equal(JSON.parse(lines[0]!).Error, 'standard output: write EPIPE')
  assert.equal(JSON.parse(lines[1]!).Error, 'x')
})

test('when both are gone there is silence', async () => {
  const broken = () =>
    new Writable({ autoDestroy: false, write: (_chunk, _encoding, done) => done(new Error('EIO')) })
  const { mail: log } = deliveryLog(createLogSink(broken(), broken()))
  log({ type: 'delivery', ...delivery })
  log({ type: 'delivery', ...delivery, error: 'x' })
  await new Promise(resolve => setImmediate(resolve))
  log({ type: 'delivery', ...delivery })
  await new Promise(resolve => setImmediate(resolve))
})

function written(...deliveries: readonly Delivery[]): { out: string[]; err: string[] } {
  const out: string[] = []
  const err: string[] = []
  const { mail: log } = deliveryLog({ out: line => out.push(line), err: line => err.push(line) })
  for (const one of deliveries) log({ type: 'delivery', ...one })
  return { out, err }
}

test('what nobody reads does not gather without end', () => {
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
  assert.match(lines.err[0]!, /"standard output: its reader does not read, lines are lost"/)
})
