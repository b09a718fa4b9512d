import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { splitContent } from '../../src/transcript/bytes.ts'
import { parseBytes, printBytes } from '../../src/transcript/index.ts'

describe('bytes in text', () => {
  const cases: [text: string, bytes: string][] = [
    ['', ''],
    ['plain text', 'plain text'],
    ['\\r\\n\\t\\0\\\\', '\r\n\t\0\\'],
    ['\\x00\\x7f\\xfF', '\0\x7f\xff'],
    ['é', '\xc3\xa9'],
    ['\\{\\}', '{}'],
    ['{3*ab}', 'ababab'],
    ['{2*a\\r\\n}', 'a\r\na\r\n'],
    ['{2*{3*x}.}', 'xxx.xxx.'],
    ['{0*x}', ''],
  ]
  for (const [text, bytes] of cases)
    it(`reads ${JSON.stringify(text)}`, () => assert.equal(parseBytes(text).toString('latin1'), bytes))

  for (const text of [
    '{',
    '}',
    '{x}',
    '{3*',
    '{3*x',
    '{*x}',
    '\\',
    '\\q',
    '\\x1',
    'a}',
    '{3*x}}',
    '{999999999*x}',
    '{60000000*x}{60000000*x}',
  ])
    it(`refuses ${text}`, () => assert.throws(() => parseBytes(text), Error))

  it('writes long runs of a byte as a repeat, and short runs verbatim', () => {
    assert.equal(printBytes(Buffer.from('a'.repeat(19))), 'a'.repeat(19))
    assert.equal(printBytes(Buffer.from('a'.repeat(20))), '{20*a}')
  })

  it('writes many equal lines as a repeat', () => {
    assert.equal(printBytes(Buffer.from('ab\r\n'.repeat(30))), '{30*ab\\r\\n}')
    assert.equal(printBytes(Buffer.from(`${'a'.repeat(64)}\r\n`.repeat(20))), '{20*{64*a}\\r\\n}')
  })

  it('gives back what it wrote', () => {
    const byte = fc.constantFrom(0, 0x0a, 0x0d, 0x2e, 0x5c, 0x7b, 0x7d, 0x41, 0xff)
    const run = fc
      .tuple(byte, fc.integer({ min: 1, max: 30 }))
      .map(([value, times]) => Buffer.alloc(times, value))
    fc.assert(
      fc.property(fc.array(fc.oneof(run, fc.uint8Array({ maxLength: 8 }).map(Buffer.from))), parts => {
        const bytes = Buffer.concat(parts)
        assert.deepEqual(parseBytes(printBytes(bytes)), bytes)
        assert.deepEqual(Buffer.concat(splitContent(bytes)), bytes)
      }),
    )
  })
})
