import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Input } from '../../src/protocol/input.ts'
import { cut, places, telling } from './cuts.ts'

const wire = telling(['\r\n', '\r', '\n', 'NOOP\r\n', 'text', 'a line that is too long for it'])

function lines(chunks: readonly Buffer[], most = 20, mostSkipped = 60): string[] {
  const input = new Input()
  const found = []
  for (const chunk of chunks) {
    input.add(chunk)
    for (let line = input.readLine(most, mostSkipped); line !== undefined; ) {
      if (typeof line !== 'string') found.push(line.toString('latin1'))
      else if (line !== 'over') found.push(`! ${line}`)
      if (line === 'endless') return found
      line = input.readLine(most, mostSkipped)
    }
  }
  return found
}

test('the same bytes give the same lines and faults, however they are cut', () => {
  fc.assert(
    fc.property(wire, places, (bytes, at) => {
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

test('a bare LF is told at once, and nothing up to the next CRLF is a line', () => {
  assert.deepEqual(lines([Buffer.from('one\n')]), ['! bare newline'])
  assert.deepEqual(lines([Buffer.from('one\ntwo\r\nthree\r\n')]), ['! bare newline', 'three'])
  assert.deepEqual(lines([Buffer.from('one\ntwo\nthree\r\n')]), ['! bare newline', '! bare newline'])
})

test('a line may have exactly as many bytes as the limit says, its CRLF included', () => {
  assert.deepEqual(lines([Buffer.from(`${'x'.repeat(18)}\r\nnext\r\n`)]), ['x'.repeat(18), 'next'])
  assert.deepEqual(lines([Buffer.from(`${'x'.repeat(19)}\r\nnext\r\n`)]), ['! too long', 'next'])
  assert.deepEqual(lines([Buffer.from(`${'x'.repeat(30)}\r\nnext\r\n`)]), ['! too long', 'next'])
})

test('a line without an end is told once, and not skipped for ever', () => {
  assert.deepEqual(lines([Buffer.from('x'.repeat(20 + 1 + 60))]), ['! too long'])
  assert.deepEqual(lines([Buffer.from('x'.repeat(20 + 1 + 61))]), ['! too long', '! endless'])
})

test('bytes given back come first', () => {
  const input = new Input()
  input.add(Buffer.from('abc'))
  input.unread(input.readChunk()!.subarray(1))
  input.add(Buffer.from('d\r\n'))
  assert.equal(String(input.readLine(20, 20)), 'bcd')
  assert.equal(input.isEmpty, true)
})
