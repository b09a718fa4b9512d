import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LineEndings } from '../../src/protocol/line-endings.ts'
import { cut, places, telling } from './cuts.ts'

const content = telling(['\r\n', '\r', '\n', '.', '\n.\n', '\n.\r\n', '\r.\r', 'text', '\0'])

function normalize(chunks: readonly Buffer[]): string {
  const endings = new LineEndings('normalize')
  return Buffer.concat(chunks.map(chunk => endings.read(chunk))).toString('latin1')
}

/** The rule said the slow way: split into lines, each with the newline that began it. */
function expected(text: string): string {
  let out = ''
  let alone = false
  for (const [, line = '', newline = ''] of text.matchAll(/([^\r\n]*)(\r\n|\r|\n|$)/g)) {
    if (line === '' && newline === '') break
    const suspect = alone && line === '.' && newline !== ''
    if (!suspect) out += line + (newline === '' ? '' : '\r\n')
    alone = newline !== '\r\n'
  }
  return out
}

test('every newline becomes CRLF and a dot line behind a lone one goes, however the bytes are cut', () => {
  fc.assert(
    fc.property(content, places, (bytes, at) => {
      // Content always ends with CRLF: nothing is held back then.
      const whole = Buffer.concat([bytes, Buffer.from('x\r\n')])
      assert.equal(normalize(cut(whole, at)), expected(whole.toString('latin1')))
    }),
    { numRuns: 5000 },
  )
})

test('what comes out has no CR or LF that stands alone', () => {
  fc.assert(
    fc.property(content, places, (bytes, at) => {
      const out = normalize(cut(Buffer.concat([bytes, Buffer.from('\r\n')]), at))
      assert.doesNotMatch(out, /\r(?!\n)|(?<!\r)\n/)
    }),
    { numRuns: 2000 },
  )
})

test('content with CRLF only is passed on as it is, not copied', () => {
  const chunk = Buffer.from('one\r\n.\r\n\r\nthree\r\n')
  const out = new LineEndings('normalize').read(chunk)
  assert.equal(out.buffer, chunk.buffer)
  assert.equal(out.byteOffset, chunk.byteOffset)
  assert.equal(out.length, chunk.length)
})

test('where lone newlines are refused, exactly what stands before the first one is passed on', () => {
  fc.assert(
    fc.property(content, places, (bytes, at) => {
      const whole = Buffer.concat([bytes, Buffer.from('x\r\n')])
      const first = /\r(?!\n)|(?<!\r)\n/.exec(whole.toString('latin1'))
      const endings = new LineEndings('reject')
      const out = Buffer.concat(cut(whole, at).map(chunk => endings.read(chunk))).toString('latin1')
      assert.equal(out, whole.toString('latin1').slice(0, first?.index))
      assert.equal(endings.refused, first !== null)
    }),
    { numRuns: 5000 },
  )
})

test('at the end of content that does not end with a newline, what was held back comes out', () => {
  for (const [text, whole] of [
    ['a\r', 'a\r\n'],
    ['a\n.', 'a\r\n.'],
    ['a\n.\r', 'a\r\n'],
    ['a', 'a'],
  ] as const) {
    const endings = new LineEndings('normalize')
    assert.equal(`${endings.read(Buffer.from(text))}${endings.end()}`, whole)
  }
  const strict = new LineEndings('reject')
  assert.equal(`${strict.read(Buffer.from('a\r'))}${strict.end()}`, 'a')
  assert.equal(strict.refused, true)
})
