import assert from 'node:assert/strict'
import { test } from 'node:test'
import { combineHandlers, type RelayEvent } from '../../src/operations/events.ts'
import { eventLog } from '../../src/operations/log.ts'
import type { Client } from '../../src/protocol/index.ts'

const client: Client = {
  address: '192.0.2.7',
  name: 'client.example',
  extended: true,
  secure: false,
  user: undefined,
}
const address = client.address

/** A log with --verbose. `events` returns the lines that have an event, without their time. */
function verboseLog() {
  const lines: { stream: 'out' | 'err'; [key: string]: unknown }[] = []
  const raw: string[] = []
  const write = (stream: 'out' | 'err') => (line: string) => {
    raw.push(line)
    lines.push({ stream, ...JSON.parse(line) })
  }
  const log = eventLog({ out: write('out'), err: write('err') }, { verbose: true })
  const events = () =>
    lines
      .splice(0)
      .filter(({ Event }) => Event !== undefined)
      .map(({ Time, ...line }) => line)
  return { log, events, raw }
}

test('a connection is logged when it opens, begins TLS and closes', () => {
  const { log, events, raw } = verboseLog()
  log({ type: 'opened', address })
  log({ type: 'tls', address, protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' })
  log({ type: 'closed', address, tls: 'starttls', reason: 'quit', durationMs: 12.4 })
  assert.deepEqual(events(), [
    { stream: 'out', IP: address, Event: 'connect' },
    { stream: 'out', IP: address, Event: 'tls', Tls: 'TLSv1.3', Cipher: 'TLS_AES_256_GCM_SHA384' },
    { stream: 'out', IP: address, Event: 'disconnect', Outcome: 'quit', Tls: 'starttls', DurationMs: 12 },
  ])
  for (const line of raw) assert.deepEqual(Object.keys(JSON.parse(line)).slice(0, 3), ['Time', 'IP', 'Event'])
})

test('replies that are errors are logged, and connections that were rejected', () => {
  const { log, events } = verboseLog()
  log({ type: 'reply', address, code: 250, text: '250 2.0.0 Ok\r\n', id: undefined })
  const text = '554-5.7.1 Too\r\n554 5.7.1 bad\r\n'
  log({ type: 'reply', address, code: 554, text, id: undefined })
  log({ type: 'rejected', address, reason: 'perIpLimit' })
  assert.deepEqual(events(), [
    { stream: 'err', IP: address, Event: 'reply', Error: '554-5.7.1 Too 554 5.7.1 bad' },
    { stream: 'err', IP: address, Event: 'rejected', Error: 'Too many connections from this address' },
  ])
})

test('a login is logged with its user and its mechanism, and with the reason if it failed', () => {
  const { log, events } = verboseLog()
  const login = { mechanism: 'PLAIN', username: 'alice', client }
  log({ type: 'loggedIn', ...login })
  log({ type: 'wrongPassword', ...login })
  assert.deepEqual(events(), [
    { stream: 'out', IP: address, Event: 'auth ok', Mechanism: 'PLAIN', User: 'alice' },
    {
      stream: 'err',
      IP: address,
      Event: 'auth failed',
      Error: 'Invalid password of user: alice',
      Mechanism: 'PLAIN',
      User: 'alice',
    },
  ])
})

test('text from a client is escaped and clipped', () => {
  const { log, raw } = verboseLog()
  const username = `\u2028\x9b<${'x'.repeat(10_000)}`
  log({ type: 'unknownUser', mechanism: 'PLAIN', username, client })
  const line = raw.find(text => text.includes('"Event"'))!
  assert.match(line, /^[^\x00-\x1f\x7f-\x9f<>&\u2028\u2029]*\n$/)
  assert.ok(line.length < 1_000)
})

test('a handler that throws does not keep the others from being called', () => {
  const received: string[] = []
  const broken = () => {
    throw new Error('broken')
  }
  const all = combineHandlers<RelayEvent>([broken, ({ type }) => void received.push(type), broken])
  all({ type: 'opened', address })
  all({ type: 'addressNotAllowed', client })
  assert.deepEqual(received, ['opened', 'addressNotAllowed'])
})

test('on a terminal an event is a short line for people, and text from a client is escaped', () => {
  const out: string[] = []
  const err: string[] = []
  const sink = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) }
  const log = eventLog({ ...sink, formats: { out: 'text', err: 'text' } }, { verbose: true })
  log({ type: 'opened', address })
  log({ type: 'wrongPassword', mechanism: 'PLAIN', username: 'a\x1b[2J\nb', client })
  assert.match(out.join(''), /^\d\d:\d\d:\d\d \.\.\. {2}192\.0\.2\.7 connect\n$/)
  assert.match(err.join(''), /auth failed Invalid password/)
  assert.doesNotMatch(err.join(''), /\x1b|\n(?!\d\d:|$)/)
})
