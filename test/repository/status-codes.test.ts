/** Checks which enhanced status codes are used with which reply codes. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { everyReply } from './every-reply.ts'

/** Every pair that the program uses, by the standard that defines the status code. */
const pairs = {
  'RFC 3463 section 3.1: nothing to add': ['214 2.0.0', '220 2.0.0', '221 2.0.0', '250 2.0.0', '554 5.0.0'],
  'RFC 3463 section 3.2: an address': ['250 2.1.0', '250 2.1.5', '501 5.1.3', '553 5.1.3', '501 5.1.7'],
  'RFC 3463 section 3.4: the mail system': [
    '451 4.3.0',
    '452 4.3.1',
    '421 4.3.2',
    '451 4.3.2',
    '552 5.3.4',
    '451 4.3.5',
  ],
  'RFC 3463 section 3.5: the way there': ['451 4.4.1', '421 4.4.2', '451 4.4.2'],
  'RFC 3463 section 3.6: the protocol': [
    '252 2.5.0',
    '554 5.5.0',
    '500 5.5.1',
    '502 5.5.1',
    '503 5.5.1',
    '554 5.5.1',
    '500 5.5.2',
    '501 5.5.2',
    '550 5.5.2',
    '452 4.5.3',
    '501 5.5.4',
    '504 5.5.4',
    '555 5.5.4',
  ],
  'RFC 3463 section 3.7: the content': ['554 5.6.0'],
  'RFC 3463 section 3.8: security or policy': [
    '421 4.7.0',
    '451 4.7.0',
    '501 5.7.0',
    '550 5.7.1',
    '554 5.7.1',
    '451 4.7.5',
  ],
  'RFC 6531 section 3.5: addresses beyond ASCII': ['550 5.6.7', '553 5.6.7'],
  'RFC 4954 section 6: AUTH': ['235 2.7.0', '454 4.7.0', '500 5.5.6', '530 5.7.0', '535 5.7.8', '538 5.7.11'],
} as const satisfies Record<string, readonly string[]>

const known: readonly string[] = Object.values(pairs).flat()

test('every pair of a reply code and a status code is one that a standard knows, and all of those are said', () => {
  const said = everyReply().flatMap(({ code, status }) => (status === undefined ? [] : [`${code} ${status}`]))
  assert.deepEqual([...new Set(said)].toSorted(), known.toSorted())
})

test('the class of a status code is the first digit of the reply code', () => {
  for (const pair of known) assert.match(pair, /^([245])\d\d \1\.\d{1,3}\.\d{1,3}$/)
})

/** Replies that never have a status code: the greeting, replies to HELO and EHLO, a challenge, and 354. */
const bare = /^(220|354|334) |^250[ -](relay\.test greets |[A-Z0-9 =-]+$)/

test('in every transcript every reply has a status code that should have one, and no other has', () => {
  const folder = new URL('../../fixtures/', import.meta.url)
  let looked = 0
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.smtp')) continue
    const lines = readFileSync(new URL(file, folder), 'utf8').split('\n')
    for (const line of lines) {
      if (!line.startsWith('S: ')) continue
      const reply = line.slice('S: '.length)
      // The status code is optional in replies of the host.
      if (lines.includes(`! ${reply}`)) continue
      const [, first, own] = /^(\d)\d\d[ -](?:(\d)\.\d{1,3}\.\d{1,3} )?/.exec(reply) ?? []
      if (own === undefined) assert.match(reply, bare, file)
      else assert.ok(own === first && first !== '3', `${file}: ${reply}`)
      looked++
    }
  }
  assert.ok(looked > 1000)
})
