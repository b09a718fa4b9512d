const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e

/**
 * Finds how many bytes of a chunk need no change, eight bytes at a time. A loop over bytes costs three times as much.
 * Two calls of `indexOf` per line cost twice as much, and twenty times as much if lines are short.
 */
export class NewlineScanner {
  readonly #chunk: Buffer
  readonly #dots: boolean
  #words: DataView | undefined

  /** @param dots a dot after CRLF does not belong to the content */
  constructor(chunk: Buffer, dots: boolean) {
    this.#chunk = chunk
    this.#dots = dots
  }

  /**
   * Returns the index after the bytes from `from` that need no change. They end before the first bare CR or LF,
   * before the first dot after a CRLF, before a CR at the end of the chunk, or at the end of the chunk.
   * @param from the byte before it is not the CR of a CRLF
   */
  end(from: number): number {
    // The bytes after the last word, and a CR at its end.
    let at = Math.max(from, this.#endOfWords(from) - 1)
    while (at < this.#chunk.length && this.#needsNoChange(at)) at++
    return at
  }

  /** The chunk, for reading words of four bytes. */
  get words(): DataView {
    const { buffer, byteOffset, length } = this.#chunk
    return (this.#words ??= new DataView(buffer, byteOffset, length))
  }

  /** As `end`, but for whole words only. It may be one byte too far: the byte after a CR at its end is not checked. */
  #endOfWords(from: number): number {
    const last = this.#chunk.length - 4
    const words = this.words
    // Whether the byte before is a CR or a LF: the highest bit of the lowest byte, as `mark` returns it.
    let cr = 0
    let lf = 0
    let at = from
    for (;;) {
      if ((cr | lf) === 0) {
        while (at <= last - 4 && !mayHaveNewline(words.getInt32(at, true), words.getInt32(at + 4, true)))
          at += 8
      }
      if (at > last) return at
      const word = words.getInt32(at, true)
      const crs = mark(word, 0x0d0d0d0d)
      const lfs = mark(word, 0x0a0a0a0a)
      if (lfs !== ((crs << 8) | cr)) return at
      if (this.#dots && (mark(word, 0x2e2e2e2e) & ((lfs << 8) | lf)) !== 0) return at
      cr = crs >>> 24
      lf = lfs >>> 24
      at += 4
    }
  }

  #needsNoChange(at: number): boolean {
    const chunk = this.#chunk
    const byte = chunk[at]
    if (byte === CR) return chunk[at + 1] === LF
    if (byte === LF) return chunk[at - 1] === CR
    return byte !== DOT || !this.#dots || chunk[at - 1] !== LF
  }
}

/** True if one of the eight bytes in two words is a control character up to CR. Rarely also true if none is. */
export function mayHaveNewline(one: number, two: number): boolean {
  return ((((one - 0x0e0e0e0e) & ~one) | ((two - 0x0e0e0e0e) & ~two)) & 0x80808080) !== 0
}

/** Returns the highest bit of each byte that equals the one in `pattern`, and no other bits. */
function mark(word: number, pattern: number): number {
  const difference = word ^ pattern
  return ~(((difference & 0x7f7f7f7f) + 0x7f7f7f7f) | difference | 0x7f7f7f7f)
}
