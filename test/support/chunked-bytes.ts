import fc from 'fast-check'

/** Generates bytes from the given pieces and a few random ones, so that rare cases are frequent. */
export const bytesFrom = (pieces: readonly string[], maxLength = 40): fc.Arbitrary<Buffer> =>
  fc
    .array(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...pieces) }, fc.string({ maxLength: 3 })), {
      maxLength,
      size: 'max',
    })
    .map(words => Buffer.from(words.join(''), 'latin1'))

/** Splits bytes into chunks at the given positions (modulo the length). */
export function cut(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const ends = [...new Set(positions.map(position => position % (bytes.length + 1)))].sort((a, b) => a - b)
  const chunks = []
  let start = 0
  for (const end of [...ends, bytes.length]) {
    chunks.push(bytes.subarray(start, end))
    start = end
  }
  return chunks
}

/** Generates positions for `cut`. */
export const cutPositions = fc.array(fc.nat(), { maxLength: 8 })
