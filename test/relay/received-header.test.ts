import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Client } from '../../src/protocol/host.ts'
import { type ReceivedInfo, receivedHeader } from '../../src/relay/received-header.ts'

const client: Client = {
  address: '192.0.2.7',
  name: 'client.example',
  extended: true,
  secure: false,
  user: undefined,
}
const arrival: ReceivedInfo = {
  client,
  recipients: ['bob@example.org'],
  utf8: false,
  hostname: 'relay.example',
  service: 'AWS SMTP Relay',
  id: 'abc123',
  time: new Date('2026-11-01T03:04:05.678Z'),
}

test('the header has from, by, with, id, for and the date', () => {
  assert.equal(
    receivedHeader(arrival),
    'Received: from client.example ([192.0.2.7])\r\n' +
      '\tby relay.example (AWS SMTP Relay)\r\n' +
      '\twith ESMTP id abc123\r\n' +
      '\tfor <bob@example.org>;\r\n' +
      '\tSun, 01 Nov 2026 03:04:05 +0000\r\n',
  )
})

test('recipients are not disclosed to each other', () => {
  const header = receivedHeader({ ...arrival, recipients: ['bob@example.org', 'secret@example.org'] })
  assert.doesNotMatch(header, /for|@/)
  assert.match(header, /with ESMTP id abc123;\r\n\tSun/)
})

test('an IPv6 address is tagged', () => {
  const header = receivedHeader({ ...arrival, client: { ...client, address: '2001:db8::7' } })
  assert.match(header, /^Received: from client\.example \(\[IPv6:2001:db8::7\]\)\r\n/)
})

const protocols: readonly [Partial<Client>, string][] = [
  [{ extended: false }, 'SMTP'],
  [{ extended: false, secure: true }, 'SMTP'],
  [{}, 'ESMTP'],
  [{ secure: true }, 'ESMTPS'],
  [{ user: 'alice' }, 'ESMTPA'],
  [{ user: 'alice', secure: true }, 'ESMTPSA'],
]
for (const [facts, keyword] of protocols) {
  test(`${JSON.stringify(facts)} is ${keyword}`, () => {
    assert.match(
      receivedHeader({ ...arrival, client: { ...client, ...facts } }),
      new RegExp(`with ${keyword} id`),
    )
  })
}

test('the header of a message with SMTPUTF8 says so', () => {
  const how = (facts: Partial<Client>) =>
    / with (\S+) id /.exec(
      receivedHeader({ ...arrival, utf8: true, client: { ...client, ...facts } }).replaceAll('\t', ' '),
    )?.[1]
  assert.equal(how({}), 'UTF8SMTP')
  assert.equal(how({ secure: true, user: 'alice' }), 'UTF8SMTPSA')
})

test('the name may be an address literal, and is unknown if there is none', () => {
  const named = (name: string | undefined) => receivedHeader({ ...arrival, client: { ...client, name } })
  assert.match(named('[IPv6:::1]'), /^Received: from \[IPv6:::1\] \(/)
  assert.match(named(undefined), /^Received: from unknown \(/)
  assert.match(named(''), /^Received: from unknown \(/)
})

test('unsafe characters in a name are replaced', () => {
  const header = receivedHeader({ ...arrival, client: { ...client, name: 'x) (by\r\nSubject: <ö>' } })
  assert.match(header, /^Received: from x\?\?\?by\?\?Subject:\?\?\?\? \(\[/)
})

for (const address of [
  '"a b"@example.org',
  'a@b>c',
  'a\r\nb@example.org',
  'ö@example.org',
  'postmaster',
  'a@[1.2.3.4',
])
  test(`${JSON.stringify(address)} is not named`, () => {
    assert.doesNotMatch(receivedHeader({ ...arrival, recipients: [address] }), /for/)
  })

test('no input breaks the format of the header', () => {
  const anything = fc.string({ unit: 'binary', maxLength: 400 })
  fc.assert(
    fc.property(anything, anything, anything, anything, (name, address, recipient, service) => {
      const header = receivedHeader({
        ...arrival,
        client: { ...client, name, address },
        recipients: [recipient],
        service,
      })
      assert.match(header, /^Received: from [^\s()]+ \(\[[^\s()]*\]\)\r\n(?:\t[ -~]*\r\n){3,4}$/)
      assert.ok(header.split('\r\n').every(line => line.length <= 998))
    }),
  )
})
