import assert from 'node:assert/strict'
import { test } from 'node:test'
import { combineHandlers } from '../../src/operations/event-handlers.ts'
import { verboseLog } from '../../src/operations/verbose.ts'
import type { Client } from '../../src/protocol/index.ts'

const client: Client = {
  address: '192.0.2.7',
  name: 'client.example',
  extended: true,
  secure: false,
  user: undefined,
}
const address = client.address

function stage() {
  const lines: { stream: 'out' | 'err'; [key: string]: unknown }[] = []
  const raw: string[] = []
  const write = (stream: 'out' | 'err') => (line: string) => {
    raw.push(line)
    lines.push({ stream, ...JSON.parse(line) })
  }
  const log = verboseLog({ out: write('out'), err: write('err') })
  const told = () => lines.splice(0).map(({ Time, ...line }) => line)
  return { log, told, raw }
}

test('a connection is told as it comes, is secured and ends', () => {
  const { log, told, raw } = stage()
  log.traffic({ type: 'opened', address })
  log.traffic({ type: 'secured', address, protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' })
  log.traffic({ type: 'ended', address, tls: 'starttls', outcome: 'quit', ms: 12.4 })
  assert.deepEqual(told(), [
    { stream: 'out', IP: address, Event: 'connected' },
    { stream: 'out', IP: address, Event: 'secured', Tls: 'TLSv1.3', Cipher: 'TLS_AES_256_GCM_SHA384' },
    { stream: 'out', IP: address, Event: 'ended', Outcome: 'quit', Tls: 'starttls', Ms: 12 },
  ])
  for (const line of raw) assert.deepEqual(Object.keys(JSON.parse(line)).slice(0, 3), ['Time', 'IP', 'Event'])
})

test('replies are told where they refuse, and connections that were not served', () => {
  const { log, told } = stage()
  log.traffic({ type: 'replied', address, code: 250, text: '250 2.0.0 Ok\r\n', limit: undefined })
  const text = '554-5.7.1 Too\r\n554 5.7.1 bad\r\n'
  log.traffic({ type: 'replied', address, code: 554, text, limit: undefined })
  log.traffic({ type: 'turnedAway', address, reason: 'address' })
  assert.deepEqual(told(), [
    { stream: 'err', IP: address, Event: 'refused', Error: '554-5.7.1 Too 554 5.7.1 bad' },
    { stream: 'err', IP: address, Event: 'turned away', Error: 'Too many connections from this address' },
  ])
})

test('a login is told with its user and its mechanism, and why it failed', () => {
  const { log, told } = stage()
  const login = { mechanism: 'PLAIN', username: 'alice', client }
  log.access({ type: 'loggedIn', ...login })
  log.access({ type: 'wrongPassword', ...login })
  assert.deepEqual(told(), [
    { stream: 'out', IP: address, Event: 'logged in', Mechanism: 'PLAIN', User: 'alice' },
    {
      stream: 'err',
      IP: address,
      Event: 'login refused',
      Error: 'Invalid password of user: alice',
      Mechanism: 'PLAIN',
      User: 'alice',
    },
  ])
})

test('what a client gave is escaped and cut', () => {
  const { log, raw } = stage()
  const username = `\u2028\x9b<${'x'.repeat(10_000)}`
  log.access({ type: 'unknownUser', mechanism: 'PLAIN', username, client })
  assert.match(raw[0]!, /^[^\x00-\x1f\x7f-\x9f<>&\u2028\u2029]*\n$/)
  assert.ok(raw[0]!.length < 1_000)
})

test('one who watches and throws keeps nobody else from hearing', () => {
  const heard: string[] = []
  const broken = () => {
    throw new Error('broken')
  }
  const all = combineHandlers([
    { traffic: broken, mail: broken, access: broken },
    { traffic: ({ type }) => void heard.push(type) },
  ])
  all.traffic?.({ type: 'opened', address })
  all.access?.({ type: 'addressNotAllowed', client })
  assert.deepEqual(heard, ['opened'])
})

test('where nobody watches a room, the room has nobody to tell', () => {
  assert.deepEqual(Object.keys(combineHandlers([{ mail: () => {} }, {}])), ['mail'])
})

test('on a terminal an event is a short line for people, and nothing of a client is obeyed there', () => {
  const out: string[] = []
  const err: string[] = []
  const writers = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) }
  const { traffic, access } = verboseLog({ ...writers, formats: { out: 'text', err: 'text' } })
  const client = { address: '192.0.2.7', name: 'x', extended: true, secure: true, user: undefined }
  traffic({ type: 'opened', address: '192.0.2.7' })
  access({ type: 'wrongPassword', mechanism: 'PLAIN', username: 'a\x1b[2J\nb', client })
  assert.match(out.join(''), /^\d\d:\d\d:\d\d \.\.\. {2}192\.0\.2\.7 connected\n$/)
  assert.match(err.join(''), /login refused Invalid password/)
  assert.doesNotMatch(err.join(''), /\x1b|\n./)
})
