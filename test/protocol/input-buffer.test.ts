import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { InputBuffer } from '../../src/protocol/input-buffer.ts'
import { bytesFrom, cut, cutPositions } from '../support/chunked-bytes.ts'

/** Takes all bytes of the first chunk. */
function takeChunk(input: InputBuffer): Buffer | undefined {
  const chunk = input.peek()
  if (chunk !== undefined) input.consume(chunk.length)
  return chunk
}

const wire = bytesFrom(['\r\n', '\r', '\n', 'NOOP\r\n', 'text', 'a line that is too long for it'])

function lines(chunks: readonly Buffer[], maxBytes = 20, maxSkipped = 60): string[] {
  const input = new InputBuffer()
  const found = []
  for (const chunk of chunks) {
    input.add(chunk)
    for (let line = input.readLine(maxBytes, maxSkipped); line !== undefined; ) {
      if (typeof line !== 'string') found.push(line.toString('latin1'))
      else if (line !== 'end of bad line') found.push(`! ${line}`)
      if (line === 'unterminated') return found
      line = input.readLine(maxBytes, maxSkipped)
    }
  }
  return found
}

test('the same bytes give the same lines and errors, however they are cut', () => {
  fc.assert(
    fc.property(wire, cutPositions, (bytes, at) => {
      const bytewise = [...bytes].map(byte => Buffer.of(byte))
      assert.deepEqual(lines(cut(bytes, at)), lines([bytes]))
      assert.deepEqual(lines(bytewise), lines([bytes]))
    }),
    { numRuns: 5000 },
  )
})

test('a line ends with CRLF and with nothing else', () => {
  assert.deepEqual(lines([Buffer.from('one\r\ntwo\r\n\r\n')]), ['one', 'two', ''])
  assert.deepEqual(lines([Buffer.from('one\rtwo\r\n')]), ['! bare newline'])
})

test('a bare LF is reported at once, and the text up to the next CRLF is not a line', () => {
  assert.deepEqual(lines([Buffer.from('one\n')]), ['! bare newline'])
  assert.deepEqual(lines([Buffer.from('one\ntwo\r\nthree\r\n')]), ['! bare newline', 'three'])
  assert.deepEqual(lines([Buffer.from('one\ntwo\nthree\r\n')]), ['! bare newline', '! bare newline'])
})

test('a line may have exactly as many bytes as the limit, its CRLF included', () => {
  assert.deepEqual(lines([Buffer.from(`${'x'.repeat(18)}\r\nnext\r\n`)]), ['x'.repeat(18), 'next'])
  assert.deepEqual(lines([Buffer.from(`${'x'.repeat(19)}\r\nnext\r\n`)]), ['! too long', 'next'])
  assert.deepEqual(lines([Buffer.from(`${'x'.repeat(30)}\r\nnext\r\n`)]), ['! too long', 'next'])
})

test('a line without an end is reported once, and skipped up to a limit', () => {
  assert.deepEqual(lines([Buffer.from('x'.repeat(20 + 1 + 60))]), ['! too long'])
  assert.deepEqual(lines([Buffer.from('x'.repeat(20 + 1 + 61))]), ['! too long', '! unterminated'])
})

test('the beginning of a line holds memory for its own bytes only, however it came', () => {
  const input = new InputBuffer()
  input.add(Buffer.from(`${'NOOP\r\n'.repeat(2000)}NOO`))
  while (typeof input.readLine(2048, 0) === 'object');
  assert.equal(input.heldBytes, 64)
  for (let times = 0; times < 1000; times++) {
    input.add(Buffer.from('x'))
    assert.equal(input.readLine(2048, 0), undefined)
  }
  assert.equal(input.heldBytes, 1024)
  input.add(Buffer.from('\r\n'))
  assert.equal(String(input.readLine(2048, 0)), `NOO${'x'.repeat(1000)}`)
  assert.equal(input.heldBytes, 0)
})

test('small chunks become one buffer, and the rest of a chunk does not keep the chunk in memory', () => {
  const input = new InputBuffer()
  for (let times = 0; times < 4000; times++) input.add(Buffer.from('x'))
  assert.equal(takeChunk(input)!.length, 4000)
  assert.equal(input.isEmpty, true)

  input.add(Buffer.from(`${'NOOP\r\n'.repeat(4000)}NOOP\r\n`))
  for (let lines = 0; lines < 4000; lines++) assert.equal(String(input.readLine(20, 0)), 'NOOP')
  input.add(Buffer.from('x'.repeat(1000)))
  const rest = takeChunk(input)!
  assert.equal(String(rest), `NOOP\r\n${'x'.repeat(1000)}`)
  assert.ok(rest.buffer.byteLength < 24_000, `${rest.buffer.byteLength}`)

  const large = Buffer.from('y'.repeat(5000))
  input.add(large)
  input.add(Buffer.from('z'))
  assert.equal(takeChunk(input), large, 'a chunk that is large is not copied')
  assert.equal(String(takeChunk(input)), 'z')
})

test('detached, the rest of a chunk has memory of its own; a large rest is not copied', () => {
  const input = new InputBuffer()
  input.detach()
  input.add(Buffer.from(`NOOP\r\n${'x'.repeat(1000)}`))
  input.readLine(20, 0)
  input.detach()
  const rest = takeChunk(input)!
  assert.equal(String(rest), 'x'.repeat(1000))
  assert.equal(rest.buffer.byteLength, 1000)

  input.add(rest)
  input.detach()
  assert.equal(takeChunk(input), rest, 'what has memory of its own is not copied')

  input.add(Buffer.from(`NOOP\r\n${'x'.repeat(5000)}`))
  input.readLine(20, 0)
  input.detach()
  assert.ok(takeChunk(input)!.buffer.byteLength > 5000)
})

test('bytes that were not consumed come first', () => {
  const input = new InputBuffer()
  input.add(Buffer.from('abc'))
  assert.equal(String(input.peek()), 'abc')
  input.consume(1)
  input.add(Buffer.from('d\r\n'))
  assert.equal(String(input.readLine(20, 20)), 'bcd')
  assert.equal(input.isEmpty, true)
})

test('chunks are consumed one after the other, in any number of steps', () => {
  const input = new InputBuffer()
  // Smaller chunks would be joined.
  for (const text of ['one', 'two', 'three']) input.add(Buffer.from(text.padStart(5000, '.')))
  const read: string[] = []
  for (const leftBytes of [2, 1, 0, 2, 0, 3, 0]) {
    const chunk = input.peek()!
    read.push(String(chunk).replace(/^\.+/, ''))
    input.consume(chunk.length - leftBytes)
  }
  assert.deepEqual(read, ['one', 'ne', 'e', 'two', 'wo', 'three', 'ree'])
  assert.equal(input.isEmpty, true)
  assert.equal(takeChunk(input), undefined)
})

test('content is returned as it came, including newlines', () => {
  const input = new InputBuffer()
  const chunk = Buffer.from('one\ntwo\r\nthree')
  input.add(chunk)
  assert.equal(String(takeChunk(input)), String(chunk))
})

test('an empty chunk makes no difference, not even within a line ending', () => {
  assert.deepEqual(lines(['one\r', '', '\n', '', 'two\r\n'].map(text => Buffer.from(text))), ['one', 'two'])
  const input = new InputBuffer()
  input.add(Buffer.alloc(0))
  assert.equal(input.isEmpty, true)
})

test('all input is read, even if a line is skipped over several chunks', () => {
  const input = new InputBuffer()
  for (const text of ['x'.repeat(21), 'yyy', 'zzz', '\r\n', 'ne', 'xt\r\n']) input.add(Buffer.from(text))
  assert.equal(input.readLine(20, 60), 'too long')
  assert.equal(input.readLine(20, 60), 'end of bad line')
  assert.equal(String(input.readLine(20, 60)), 'next')
})

test('the first byte of a line is known before the line is, and only then', () => {
  const input = new InputBuffer()
  assert.equal(input.firstByteOfLine, undefined)
  input.add(Buffer.from('ab'))
  assert.equal(input.firstByteOfLine, 0x61)
  assert.equal(input.readLine(20, 60), undefined)
  input.add(Buffer.from('cd'))
  assert.equal(input.firstByteOfLine, undefined, 'the line has begun')
  input.add(Buffer.from('\r\nef\r\n'))
  assert.equal(String(input.readLine(20, 60)), 'abcd')
  assert.equal(input.firstByteOfLine, 0x65)
  input.add(Buffer.from('g\n'))
  assert.equal(String(input.readLine(20, 60)), 'ef')
  assert.equal(input.readLine(20, 60), 'bare newline')
  input.add(Buffer.from('h'))
  assert.equal(input.firstByteOfLine, undefined, 'what is left of the line is skipped')
})

test('clearing removes all input, including the beginning of a line', () => {
  for (const before of ['one', 'one\r', 'one\ntwo', `${'x'.repeat(30)}`]) {
    const input = new InputBuffer()
    input.add(Buffer.from(before))
    input.readLine(20, 60)
    input.add(Buffer.from('three\r\n'))
    input.clear()
    assert.equal(input.isEmpty, true)
    input.add(Buffer.from('\nfour\r\n'))
    assert.equal(input.readLine(20, 60), 'bare newline')
    input.clear()
    input.add(Buffer.from('five\r\n'))
    assert.equal(String(input.readLine(20, 60)), 'five')
  }
})

test('memory of bytes that were read is released', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const input = new InputBuffer()
  const heldBytes = () => {
    for (let n = 0; n < 3; n++) collect()
    return process.memoryUsage().arrayBuffers
  }
  const before = heldBytes()
  for (let n = 0; n < 20; n++) {
    input.add(Buffer.alloc(1024 * 1024))
    takeChunk(input)
  }
  assert.ok(heldBytes() - before < 5 * 1024 * 1024)
})
