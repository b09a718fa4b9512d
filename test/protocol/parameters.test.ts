import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plain } from '../../src/auth/index.ts'
import {
  mailParameters,
  rcptParameters,
  readAndCheckParameters,
} from '../../src/protocol/commands/parameters.ts'
import { isBinary } from '../../src/protocol/events.ts'
import { SessionState } from '../../src/protocol/session-state.ts'
import type { SessionSettings } from '../../src/protocol/settings.ts'
import { readConditions } from '../../src/transcript/index.ts'

const { settings, client } = readConditions('')
const everything: SessionSettings = { ...settings, mechanisms: [plain], smtpUtf8: true, binaryMime: true }
const unused = { read: () => false }

/** Returns the parameters, or code, status and text of the reply that refuses them. */
function read(
  text: string,
  { offered = everything, extended = true, known = mailParameters } = {},
): Record<string, string> | string {
  const state = new SessionState(offered, client, unused, false)
  state.extended = extended
  const found = readAndCheckParameters(text, known, state)
  if ('parameters' in found) return Object.fromEntries(found.parameters)
  const { code, status, text: words } = found.refusal
  return `${code} ${status} ${words}`
}

test('every offered parameter is accepted, in any order, in upper or lower case', () => {
  assert.deepEqual(read('SIZE=10 BODY=8BITMIME AUTH=<> SMTPUTF8'), {
    SIZE: '10',
    BODY: '8BITMIME',
    AUTH: '<>',
    SMTPUTF8: '',
  })
  assert.deepEqual(read('smtputf8 auth=a+2Bb body=7bit size=0'), {
    SMTPUTF8: '',
    AUTH: 'a+2Bb',
    BODY: '7bit',
    SIZE: '0',
  })
  assert.deepEqual(read(''), {})
})

test('an invalid value is refused with the name of its parameter', () => {
  for (const [name, values] of Object.entries({
    SIZE: ['', '=x', '=-1', '=1x', '=x1', `=${'1'.repeat(21)}`],
    BODY: ['', '=9BIT', '=7BITX', '=X7BIT', '=8BITMIMES', '=XBINARYMIME'],
    AUTH: ['', '=+', '=a+2b', '=a+7F'],
    SMTPUTF8: ['=yes'],
  })) {
    for (const value of values)
      assert.equal(read(name + value), `501 5.5.4 Invalid value for parameter ${name}`, name + value)
  }
})

test('a size may be exactly the limit, with any number of digits', () => {
  const offered = { ...settings, limits: { ...settings.limits, messageBytes: 1000 } }
  assert.deepEqual(read('SIZE=1000', { offered }), { SIZE: '1000' })
  assert.deepEqual(read(`SIZE=${'1000'.padStart(20, '0')}`, { offered }), { SIZE: '1000'.padStart(20, '0') })
  for (const size of ['1001', '9'.repeat(20)])
    assert.equal(read(`SIZE=${size}`, { offered }), '552 5.3.4 Message is larger than 1000 bytes', size)
})

test('a parameter that is not offered is not supported, with any value', () => {
  const plainly = { ...settings, mechanisms: [], smtpUtf8: false, binaryMime: false }
  for (const text of [
    'AUTH=<>',
    'AUTH=+',
    'SMTPUTF8',
    'SMTPUTF8=x',
    'BODY=binarymime',
    'RET=FULL',
    'CONSTRUCTOR=x',
  ])
    assert.match(
      String(read(text, { offered: plainly })),
      /^555 5\.5\.4 Parameter [A-Z0-9=]+ is not supported$/,
    )
  assert.equal(read('SIZE=1', { known: rcptParameters }), '555 5.5.4 Parameter SIZE is not supported')
})

test('a client that has not sent EHLO may use no parameter', () => {
  assert.equal(read('SIZE=1', { extended: false }), '555 5.5.4 Parameter SIZE is not supported')
  assert.deepEqual(read('', { extended: false }), {})
})

test('the first invalid parameter is named, but syntax errors come first', () => {
  assert.equal(read('SIZE=x BODY=x'), '501 5.5.4 Invalid value for parameter SIZE')
  assert.equal(read('SIZE=1 BODY=x'), '501 5.5.4 Invalid value for parameter BODY')
  assert.equal(read('SIZE=x A=B=C'), '501 5.5.4 Syntax error in parameters')
  assert.equal(read('SIZE=x size=1'), '501 5.5.4 Duplicate parameter')
})

test('content may be binary only if that is offered, and never if bare newlines are rejected', () => {
  assert.deepEqual(read('BODY=BINARYMIME'), { BODY: 'BINARYMIME' })
  const strict: SessionSettings = { ...everything, bareNewline: 'reject' }
  const refusal = '555 5.5.4 Parameter BODY=BINARYMIME is not supported'
  for (const offered of [settings, strict]) {
    assert.equal(read('BODY=BinaryMime', { offered }), refusal)
    assert.deepEqual(read('BODY=8BITMIME', { offered }), { BODY: '8BITMIME' })
  }
})

test('a message is binary if MAIL has BODY=BINARYMIME, in upper or lower case', () => {
  const bodyOf = (given: [string, string][]) =>
    isBinary({ sender: { address: 'a@s.example', parameters: new Map(given) }, recipients: [] })
  assert.equal(bodyOf([['BODY', 'BINARYMIME']]), true)
  assert.equal(bodyOf([['BODY', 'BinaryMime']]), true)
  assert.equal(bodyOf([['BODY', '8BITMIME']]), false)
  assert.equal(bodyOf([]), false)
})
