const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e

/**
 * Finds the stretches of a chunk of content that are passed on as they are, eight bytes at a glance. A loop over bytes
 * costs three times as much; two calls of `indexOf` a line twice as much, and twenty times where lines are short.
 */
export class NewlineScanner {
  readonly #chunk: Buffer
  readonly #dots: boolean
  #words: DataView | undefined

  /** @param dots a dot behind CRLF does not belong to the content */
  constructor(chunk: Buffer, dots: boolean) {
    this.#chunk = chunk
    this.#dots = dots
  }

  /**
   * Where the stretch ends that begins at `from`: at the first CR or LF that is no half of a CRLF, at the first dot
   * behind a CRLF, or at the end of the chunk, or of a CR there. The byte ahead of `from` is not the CR of a CRLF.
   */
  end(from: number): number {
    // What the words leave, and perhaps a CR at their end.
    let at = Math.max(from, this.#endOfWords(from) - 1)
    while (at < this.#chunk.length && this.#passes(at)) at++
    return at
  }

  /** The chunk, to be read in words. */
  get words(): DataView {
    const { buffer, byteOffset, length } = this.#chunk
    return (this.#words ??= new DataView(buffer, byteOffset, length))
  }

  /** As `end`, but of whole words only, and it may be one byte too far: a CR at its end is not followed up. */
  #endOfWords(from: number): number {
    const last = this.#chunk.length - 4
    const words = this.words
    // Whether the byte ahead is a CR or a LF; the highest bit of the lowest byte, as in what `mark` returns.
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

  #passes(at: number): boolean {
    const chunk = this.#chunk
    const byte = chunk[at]
    if (byte === CR) return chunk[at + 1] === LF
    if (byte === LF) return chunk[at - 1] === CR
    return byte !== DOT || !this.#dots || chunk[at - 1] !== LF
  }
}

/** One of eight bytes, in two words, is a control character up to CR; seldom also where none is. */
export function mayHaveNewline(one: number, two: number): boolean {
  return ((((one - 0x0e0e0e0e) & ~one) | ((two - 0x0e0e0e0e) & ~two)) & 0x80808080) !== 0
}

/** The highest bit of every byte of the word that is equal to the one in `pattern`, and no other bit. */
function mark(word: number, pattern: number): number {
  const difference = word ^ pattern
  return ~(((difference & 0x7f7f7f7f) + 0x7f7f7f7f) | difference | 0x7f7f7f7f)
}
