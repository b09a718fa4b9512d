import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RawContent } from '../../src/relay/raw-content.ts'

/** Chunks as a socket gives them, and the pieces of each that are content. */
const chunks = fc.array(
  fc
    .tuple(
      fc.integer({ min: 1, max: 20_000 }),
      fc.array(fc.integer({ min: 1, max: 9_000 }), { maxLength: 6 }),
    )
    .map(([length, cuts]) => pieces(chunk(length), cuts)),
  { maxLength: 30 },
)

test('the content is what was added, whatever the pieces', () => {
  fc.assert(
    fc.property(chunks, mail => {
      const content = filled(mail.flat())
      const expected = Buffer.concat(mail.flat())
      assert.equal(content.size, expected.length)
      assert.ok(Buffer.concat([...content]).equals(expected))
    }),
  )
})

test('parts may be read at any time, and more may be added', () => {
  fc.assert(
    fc.property(chunks, chunks, (first, second) => {
      const content = filled(first.flat())
      assert.ok([...content].length <= first.flat().length + fullBlocks(content.size))
      for (const piece of second.flat()) content.add(piece)
      assert.ok(Buffer.concat([...content]).equals(Buffer.concat([...first.flat(), ...second.flat()])))
    }),
  )
})

test('pieces that cross the ends of blocks become two parts each, also around a piece that is kept', () => {
  const copied = () => chunk(20_000).subarray(0, 9_000)
  const content = filled([copied(), chunk(4096), copied()])
  const lengths = [...content].map(part => part.length)
  assert.deepEqual(lengths, [4096, 4904, 4096, 3288, 5712])
  assert.equal(lengths.length, 3 + fullBlocks(content.size))
})

test('at most twice the content and one block are held, in few parts', () => {
  fc.assert(
    fc.property(chunks, mail => {
      const content = filled(mail.flat())
      const held = new Set([...content].map(part => part.buffer))
      const bytes = [...held].reduce((sum, memory) => sum + memory.byteLength, 0)
      assert.ok(bytes <= content.memoryBytes, `${bytes} of ${content.memoryBytes}`)
      assert.ok(
        content.memoryBytes <= content.size * 2 + 65_536,
        `${content.memoryBytes} for ${content.size}`,
      )
      assert.ok([...content].length <= 2 + content.size / 2048)
    }),
  )
})

test('the memory is never more than predicted', () => {
  fc.assert(
    fc.property(chunks, mail => {
      const content = new RawContent()
      const most = content.memoryBytesWith(mail.flat().reduce((sum, piece) => sum + piece.length, 0))
      for (const piece of mail.flat()) {
        const next = content.memoryBytesWith(piece.length)
        content.add(piece)
        assert.ok(content.memoryBytes <= next)
      }
      content.finish()
      assert.ok(content.memoryBytes <= most)
    }),
  )
})

test('a mebibyte that arrives one byte at a time becomes a few blocks', () => {
  const content = new RawContent()
  for (let n = 0; n < 1 << 20; n++) content.add(chunk(1, n))
  assert.equal(content.size, 1 << 20)
  assert.ok([...content].length <= 24)
  const whole = Buffer.concat([...content])
  assert.ok(whole.every((byte, n) => byte === (n & 0xff)))
})

test('a large piece is kept, not copied', () => {
  const large = chunk(65_536)
  const content = filled([Buffer.from('a'), large, Buffer.from('b')])
  assert.equal([...content][1]!.buffer, large.buffer)
  assert.equal([...content][1]!.byteOffset, large.byteOffset)
})

test('a piece of a much larger chunk does not keep the chunk alive', () => {
  const large = chunk(65_536)
  const content = filled([large.subarray(10, 10_010)])
  assert.ok([...content].every(part => part.buffer !== large.buffer))
})

test('empty content has no parts', () => {
  assert.deepEqual([...filled([Buffer.alloc(0)])], [])
})

function filled(mail: readonly Buffer[]): RawContent {
  const content = new RawContent()
  for (const piece of mail) content.add(piece)
  return content
}

/** The number of blocks that this many bytes fill. A piece that crosses the end of a block becomes two parts. */
function fullBlocks(bytes: number): number {
  let count = 0
  let block = 4096
  for (let rest = bytes; rest >= block; count++) {
    rest -= block
    block = Math.min(block * 2, 65_536)
  }
  return count
}

function chunk(length: number, seed = length): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length)
  for (let n = 0; n < length; n++) bytes[n] = (seed + n * 7) & 0xff
  return bytes
}

function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const found: Buffer[] = []
  let from = 0
  for (const cut of cuts) {
    if (from < bytes.length) found.push(bytes.subarray(from, from + cut))
    from += cut + 1
  }
  return found
}
