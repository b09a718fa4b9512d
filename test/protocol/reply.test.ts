import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { replies } from '../../src/protocol/replies.ts'
import { format, type Reply, reply } from '../../src/protocol/reply.ts'

const wellFormed = /^(\d{3}-[ -~]*\r\n)*\d{3} [ -~]*\r\n$/

test('one line: code, status, text', () => {
  assert.equal(format(reply(250, '2.1.0', 'Ok')), '250 2.1.0 Ok\r\n')
  assert.equal(format({ code: 334, text: '' }), '334 \r\n')
})

test('several lines: each of them has the status code (RFC 2034 section 4)', () => {
  assert.equal(
    format({ code: 250, status: '2.0.0', text: ['one', 'two'] }),
    '250-2.0.0 one\r\n250 2.0.0 two\r\n',
  )
})

test('no text can break out of its reply', () => {
  assert.equal(format(reply(550, '5.7.1', 'no\r\n250 ok')), '550 5.7.1 no 250 ok\r\n')
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), text => {
      const lines = format(reply(550, '5.7.1', text))
      assert.match(lines, wellFormed)
      for (const line of lines.split('\r\n').slice(0, -1)) {
        assert.ok(line.length <= 510)
        assert.match(line, /^550[ -]5\.7\.1 /)
      }
    }),
  )
})

test('a long text is cut between words and keeps all of them', () => {
  const words = Array.from({ length: 300 }, (_, i) => `word${i}`).join(' ')
  const lines = format(reply(250, '2.0.0', words))
    .split('\r\n')
    .slice(0, -1)
  assert.ok(lines.length > 1)
  assert.equal(lines.map(line => line.slice('250-2.0.0 '.length)).join(' '), words)
})

test('every reply of the table is well formed and its status code has the class of its code', () => {
  const samples: Record<string, unknown[]> = { extensions: ['h', 'c', ['X']], help: [['NOOP']] }
  for (const [name, entry] of Object.entries(replies)) {
    const sample =
      typeof entry === 'function'
        ? (entry as (...a: unknown[]) => Reply)(...(samples[name] ?? ['a', 'b']))
        : entry
    const text = format(sample as Reply)
    assert.match(text, wellFormed, name)
    const { code, status } = sample as Reply
    if (status !== undefined) assert.equal(status[0], String(code)[0], name)
    else assert.ok([220, 250, 334, 354].includes(code), name)
  }
})
