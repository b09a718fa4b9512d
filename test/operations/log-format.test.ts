import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { eventLog } from '../../src/operations/log.ts'
import { formatsFor, type LogFormat, type LogFormats } from '../../src/operations/log-format.ts'
import { createLogSink } from '../../src/operations/log-streams.ts'
import type { Delivery } from '../../src/relay/events.ts'

const delivery: Delivery = {
  time: new Date(2026, 10, 22, 12, 0, 1),
  ip: '172.17.0.1',
  from: 'alice@example.org',
  to: ['bob@example.org'],
  messageId: '0102-abc',
  size: 1234,
  durationMs: 56.4,
  relay: 'ses',
}

test('an accepted message is one short line', () => {
  assert.deepEqual(written(delivery), {
    out: ['12:00:01 OK   alice@example.org -> bob@example.org 1.2 KiB, 56 ms, from 172.17.0.1 0102-abc\n'],
    err: [],
  })
})

test('a failed message says why, and a client that was refused before MAIL has no envelope', () => {
  const { err } = written({ ...delivery, from: '', error: 'Throttling: Rate exceeded', user: 'tim' })
  assert.deepEqual(err, [
    '12:00:01 FAIL <> -> bob@example.org 1.2 KiB, 56 ms, from 172.17.0.1 (tim) Throttling: Rate exceeded\n',
  ])
  const { time, ip } = delivery
  assert.deepEqual(written({ time, ip, from: '', to: [], error: 'Invalid client IP: 172.17.0.1' }).err, [
    '12:00:01 FAIL from 172.17.0.1 Invalid client IP: 172.17.0.1\n',
  ])
})

test('recipients that are skipped are neither a success nor a failure', () => {
  const { time, ip, from, to, size } = delivery
  const skipped = 'already delivered by an earlier attempt'
  assert.deepEqual(written({ time, ip, from, to, size: size!, skipped }), {
    out: [`12:00:01 SKIP alice@example.org -> bob@example.org 1.2 KiB, from 172.17.0.1 ${skipped}\n`],
    err: [],
  })
})

test('three of many recipients are named', () => {
  const to = Array.from({ length: 50 }, (_, number) => `r${number}@x.example`)
  assert.match(
    written({ ...delivery, to }).out[0]!,
    /r0@x\.example, r1@x\.example, r2@x\.example and 47 more/,
  )
})

test('colours do not change the text', () => {
  for (const one of [delivery, { ...delivery, error: 'x' }, { ...delivery, skipped: 'x' }]) {
    const [[plain], [coloured]] = (['text', 'coloured'] as const).map(format => {
      const { out, err } = written(one, { out: format, err: format })
      return [...out, ...err]
    }) as [string[], string[]]
    assert.notEqual(coloured, plain)
    assert.equal(coloured!.replace(/\x1b\[(?:0|2|31|32)m/g, ''), plain)
  }
})

test('nothing from a client moves the cursor, forges a line, or fills the screen', () => {
  const nasty = fc.constantFrom('\n', '\r', '\x1b[31m', '\x7f', '\x9b', '\u2028', '\u202e', '\ud800', 'x')
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 5_000 }),
    fc.array(nasty).map(parts => parts.join('')),
  )
  fc.assert(
    fc.property(text, text, text, text, (from, to, error, messageId) => {
      for (const one of [
        { ...delivery, from, to: [to], user: to, messageId },
        { ...delivery, from, to: [to], user: to, error },
      ]) {
        const { out, err } = written(one)
        const [line] = [...out, ...err]
        assert.match(line!, /^[^\p{C}\p{Zl}\p{Zp}]*\n$/u)
        assert.ok(line!.length < 2_000)
      }
    }),
  )
})

test('an error of the program has a line for each call, and its text is escaped', () => {
  const err: string[] = []
  const formats: LogFormats = { out: 'text', err: 'text' }
  const sink = { out: () => assert.fail('not here'), err: (text: string) => err.push(text), formats }
  eventLog(sink, { verbose: false })({ type: 'error', error: new TypeError('\x1b[2J') })
  assert.match(err[0]!, /^\d\d:\d\d:\d\d ERROR TypeError: \\x1b\[2J\n( +at [^\n]+\n)+$/)
})

test('a terminal gets text, in colour if it has colours; any other stream gets JSON', () => {
  const pipe = {}
  const grey = { isTTY: true, hasColors: () => false }
  const bright = { isTTY: true, hasColors: () => true }
  assert.deepEqual(formatsFor('auto', pipe, bright), { out: 'json', err: 'coloured' })
  assert.deepEqual(formatsFor('auto', grey, pipe), { out: 'text', err: 'json' })
  assert.deepEqual(formatsFor('json', bright, grey), { out: 'json', err: 'json' })
  assert.deepEqual(formatsFor('text', pipe, bright), { out: 'text', err: 'coloured' })
})

test('each stream has its own format', () => {
  const mixed = { out: 'json', err: 'text' } as const
  assert.equal(JSON.parse(written(delivery, mixed).out[0]!).MessageId, '0102-abc')
  assert.match(written({ ...delivery, error: 'x' }, mixed).err[0]!, /^12:00:01 FAIL /)
})

test('a terminal gets the report that the other stream is gone as text', async () => {
  const written: string[] = []
  const terminal = { on: () => terminal, write: (text: string) => written.push(text) > 0 }
  const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('write EPIPE')) })
  const { out } = createLogSink(broken, terminal as never, { out: 'json', err: 'text' })
  out('a line\n')
  await new Promise(resolve => broken.once('close', resolve))
  assert.equal(written.length, 1)
  assert.match(written[0]!, /^\d\d:\d\d:\d\d ERROR stdout: write EPIPE\n$/)
})

function written(
  one: Delivery,
  formats: { readonly out: LogFormat; readonly err: LogFormat } = { out: 'text', err: 'text' },
): { out: string[]; err: string[] } {
  const out: string[] = []
  const err: string[] = []
  const sink = { out: (line: string) => out.push(line), err: (line: string) => err.push(line), formats }
  eventLog(sink, { verbose: false })({ type: 'delivery', ...one })
  return { out, err }
}
