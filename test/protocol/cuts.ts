import fc from 'fast-check'

/** Bytes made of the pieces that matter to a reader of lines, so that the rare cases are common. */
export const telling = (pieces: readonly string[], maxLength = 40): fc.Arbitrary<Buffer> =>
  fc
    .array(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...pieces) }, fc.string({ maxLength: 3 })), {
      maxLength,
      size: 'max',
    })
    .map(words => Buffer.from(words.join(''), 'latin1'))

/** The same bytes in chunks, cut at the given places (modulo the length). */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map(place => place % (bytes.length + 1)))].sort((a, b) => a - b)
  const chunks = []
  let start = 0
  for (const end of [...ends, bytes.length]) {
    chunks.push(bytes.subarray(start, end))
    start = end
  }
  return chunks
}

export const places = fc.array(fc.nat(), { maxLength: 8 })
