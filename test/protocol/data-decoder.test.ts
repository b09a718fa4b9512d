import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DataDecoder } from '../../src/protocol/message/data-decoder.ts'
import { bytesFrom, cut, cutPositions } from '../support/chunked-bytes.ts'
import { type Outcome, readPlainly } from './plain-reader.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 5000)

const words = [
  '.',
  '..',
  '\r\n',
  '\r',
  '\n',
  '.\r\n',
  '\r\n.',
  '\n.',
  '\n.\n',
  '\r.\r',
  '\n.\r\n',
  'text',
  '\0',
  '\t',
]
const end = '\r\n.\r\n'
/** Short texts, and long ones for the fast path, between changes or before them. */
const wire = fc.oneof(
  bytesFrom([...words, end]),
  bytesFrom([
    ...words,
    'x'.repeat(300),
    `${'x'.repeat(76)}\r\n`.repeat(5),
    '..\r\n'.repeat(70),
    '\r\n'.repeat(150),
  ]),
)
const policy = fc.constantFrom('normalize', 'reject')

/** Everything that the decoder returns for the chunks, joined. */
function readAll(
  chunks: readonly Buffer[],
  dots: boolean,
  bareNewline: 'normalize' | 'reject',
): Outcome & { readonly pieces: number } {
  const reader = new DataDecoder({ dots, bareNewline })
  let content = ''
  let size = 0
  let pieces = 0
  for (const [i, chunk] of chunks.entries()) {
    for (let left = chunk; left.length > 0; pieces++) {
      const piece = reader.read(left)
      assert.ok(piece.used > 0)
      left = left.subarray(piece.used)
      content += piece.content.toString('latin1')
      size += piece.size
      if (!piece.ended) continue
      const rest = Buffer.concat([left, ...chunks.slice(i + 1)]).toString('latin1')
      return { content: content + reader.end(), size, refused: reader.refused, rest, pieces }
    }
  }
  return { content: content + reader.end(), size, refused: reader.refused, rest: undefined, pieces }
}

function assertReads(
  bytes: Buffer,
  chunks: readonly Buffer[],
  dots: boolean,
  bareNewline: 'normalize' | 'reject',
) {
  const { pieces: _, ...outcome } = readAll(chunks, dots, bareNewline)
  assert.deepEqual(outcome, readPlainly(bytes.toString('latin1'), dots, bareNewline))
}

test('dots, the end and newlines are decoded by the rules, however the bytes are cut', () => {
  fc.assert(
    fc.property(wire, cutPositions, policy, (bytes, at, bareNewline) => {
      const whole = Buffer.concat([bytes, Buffer.from(end)])
      assertReads(whole, cut(whole, at), true, bareNewline)
    }),
    { numRuns },
  )
})

test('without dot stuffing, newlines are decoded by the same rules, and held-back bytes are returned at the end', () => {
  fc.assert(
    fc.property(wire, cutPositions, policy, (bytes, at, bareNewline) => {
      assertReads(bytes, cut(bytes, at), false, bareNewline)
    }),
    { numRuns },
  )
})

test('content that comes byte by byte or is cut in two anywhere is decoded like content in one chunk', () => {
  fc.assert(
    fc.property(bytesFrom([...words, end], 12), fc.boolean(), policy, (bytes, dots, bareNewline) => {
      const whole = Buffer.concat([bytes, Buffer.from(end)])
      const singly = [...whole].map(byte => Buffer.of(byte))
      assertReads(whole, singly, dots, bareNewline)
      for (let at = 0; at <= whole.length; at++) assertReads(whole, cut(whole, [at]), dots, bareNewline)
    }),
    { numRuns: numRuns / 10 },
  )
})

test('dot stuffing is removed exactly', () => {
  fc.assert(
    fc.property(bytesFrom(['.', '..', '\r\n', '.\r\n', '\r\n.', 'text', '\0']), cutPositions, (bytes, at) => {
      const content = `${bytes.toString('latin1')}\r\n`
      const stuffed = `\r\n${content}`.replaceAll('\r\n.', '\r\n..').slice(2)
      const read = readAll(cut(Buffer.from(`${stuffed}.\r\n`, 'latin1'), at), true, 'normalize')
      assert.equal(read.content, content)
      assert.equal(read.rest, '')
    }),
    { numRuns },
  )
})

test('decoded content has no bare CR or LF', () => {
  fc.assert(
    fc.property(wire, cutPositions, (bytes, at) => {
      const whole = Buffer.concat([bytes, Buffer.from(end)])
      assert.doesNotMatch(readAll(cut(whole, at), true, 'normalize').content, /\r(?!\n)|(?<!\r)\n/)
    }),
    { numRuns: numRuns / 2 },
  )
})

test('content that needs no change is passed on as it is, not copied', () => {
  for (const [dots, text] of [
    [true, 'one\r\n\r\ntwo\tand\0more\r\nthree . and more\r\n'],
    [true, `${'x'.repeat(76)}\r\n`.repeat(1000)],
    [false, '.one\r\n..\r\n.\r\n\r\n.'],
  ] as const) {
    const chunk = Buffer.from(text)
    const { content, used } = new DataDecoder({ dots, bareNewline: 'normalize' }).read(chunk)
    assert.equal(content.buffer, chunk.buffer)
    assert.equal(content.byteOffset, chunk.byteOffset)
    assert.equal(content.length, chunk.length)
    assert.equal(used, chunk.length)
  }
})

test('the end of a chunk causes no extra piece, and held-back bytes cause no copy', () => {
  const text = 'a.b.c\r\nde.f\r\n\r\ng\r\nh'
  for (let end = 1; end <= text.length; end++) {
    // A CR at the end is held back.
    if (text[end - 1] === '\r') continue
    for (let from = 0; from < 8; from++) {
      const reader = new DataDecoder({ dots: true, bareNewline: 'normalize' })
      for (const before of ['x', '\n']) reader.read(Buffer.from(before))
      const bytes = Buffer.from(`${'.'.repeat(from)}${text.slice(0, end)}`)
      const chunk = bytes.subarray(from)
      for (const _ of ['after a bare newline', 'after text or a line ending']) {
        const { content, used } = reader.read(chunk)
        assert.deepEqual([content, used], [chunk, chunk.length])
        assert.deepEqual([content.buffer, content.byteOffset], [chunk.buffer, chunk.byteOffset])
      }
    }
  }
})

test('content that needs changes is returned in a few pieces, however many changes there are', () => {
  const chunkBytes = 64 * 1024
  for (const unit of ['..\r\n', '.a\r\n', `${'x'.repeat(76)}\n`, `..${'x'.repeat(500)}\r\n`, '\r\n', '\n.'])
    assertFewPieces(Buffer.alloc(chunkBytes, unit), 2)
  // Twice as long as the input: a copy has room for a part of that.
  for (const unit of ['\n', '\r', 'x\n\n\n\n\n']) assertFewPieces(Buffer.alloc(chunkBytes, unit), 5)
})

test('a copy takes at most 16 KiB more than its chunk', t => {
  // Small buffers are parts of a pool, which is larger than all of them with some releases of Node.js.
  const { poolSize } = Buffer
  t.after(() => (Buffer.poolSize = poolSize))
  Buffer.poolSize = 0
  for (const chunkBytes of [8 * 1024, 64 * 1024]) {
    const chunk = Buffer.alloc(chunkBytes, '\n')
    const { content } = new DataDecoder({ dots: true, bareNewline: 'normalize' }).read(chunk)
    assert.ok(content.buffer.byteLength <= chunkBytes + Math.min(chunkBytes, 16 * 1024) + 8)
  }
})

function assertFewPieces(chunk: Buffer, most: number): void {
  const { pieces, ...outcome } = readAll([chunk], true, 'normalize')
  assert.ok(pieces <= most, `${pieces} pieces of ${JSON.stringify(chunk.toString('latin1', 0, 10))}`)
  assert.deepEqual(outcome, readPlainly(chunk.toString('latin1'), true, 'normalize'))
}
