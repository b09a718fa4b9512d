import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DotReader } from '../../src/protocol/dot-reader.ts'
import { cut, places, telling } from './cuts.ts'

const wire = telling(['.', '\r\n', '\r', '\n', '.\r\n', '\r\n.', '..', 'text', '\r\n.\r\n', '\0'])

/** RFC 5321 section 4.5.2 said the slow way: over the whole text at once, with nothing but string operations. */
function expected(text: string): { content: string; rest: string | undefined } {
  const whole = `\r\n${text}`
  const end = whole.indexOf('\r\n.\r\n')
  const stuffed = end < 0 ? whole : whole.slice(0, end + 2)
  const content = stuffed.replaceAll('\r\n.', '\r\n').slice(2)
  return { content, rest: end < 0 ? undefined : whole.slice(end + 5) }
}

function readAll(chunks: readonly Buffer[]): { content: string; rest: string | undefined } {
  const reader = new DotReader()
  let content = ''
  for (const [i, chunk] of chunks.entries()) {
    const read = reader.read(chunk)
    content += read.content.toString('latin1')
    if (read.ended) {
      const rest = Buffer.concat([chunk.subarray(read.used), ...chunks.slice(i + 1)])
      return { content, rest: rest.toString('latin1') }
    }
    assert.equal(read.used, chunk.length)
  }
  return { content, rest: undefined }
}

test('ends at the first CRLF . CRLF, unstuffs only behind CRLF, however the bytes are cut', () => {
  fc.assert(
    fc.property(wire, places, (bytes, at) => {
      // A last CRLF dot CRLF makes the text end for certain, and shows what is held back at the end of a chunk.
      const whole = Buffer.concat([bytes, Buffer.from('\r\n.\r\n')])
      assert.deepEqual(readAll(cut(whole, at)), expected(whole.toString('latin1')))
    }),
    { numRuns: 5000 },
  )
})

test('what a client stuffs comes out as it was', () => {
  fc.assert(
    fc.property(wire, places, (bytes, at) => {
      const content = `${bytes.toString('latin1')}\r\n`
      const stuffed = `\r\n${content}`.replaceAll('\r\n.', '\r\n..').slice(2)
      const read = readAll(cut(Buffer.from(`${stuffed}.\r\n`, 'latin1'), at))
      assert.deepEqual(read, { content, rest: '' })
    }),
    { numRuns: 5000 },
  )
})

test('a chunk without dots to remove is passed on as it is, not copied', () => {
  const chunk = Buffer.from('one\r\ntwo\r\nthree . and more\r\n')
  const { content } = new DotReader().read(chunk)
  assert.equal(content.buffer, chunk.buffer)
  assert.equal(content.byteOffset, chunk.byteOffset)
  assert.equal(content.length, chunk.length)
})
