/**
 * What is kept of one chunk: a subarray of it where that is one stretch, which is the rule, and one copy where parts
 * of the chunk were left out or something was put between them.
 */
export class Excerpt {
  readonly #chunk: Buffer
  /** The latest stretch, not copied yet. */
  #from = 0
  #to = 0
  /** All that comes before the latest stretch. */
  #copy: Buffer | undefined
  #copied = 0

  constructor(chunk: Buffer) {
    this.#chunk = chunk
  }

  /** Keeps the bytes of the chunk from index `from` up to `to`, which lie behind all that was kept before. */
  keep(from: number, to: number): void {
    if (from !== this.#to) {
      this.#copyStretch()
      this.#from = from
    }
    this.#to = to
  }

  /** Puts in a byte that does not stand in the chunk here. */
  put(byte: number): void {
    this.#copyStretch()
    const copy = this.#room(1)
    copy[this.#copied++] = byte
  }

  /** All that was kept. */
  take(): Buffer {
    if (this.#copy === undefined) return this.#chunk.subarray(this.#from, this.#to)
    this.#copyStretch()
    return this.#copy.subarray(0, this.#copied)
  }

  #copyStretch(): void {
    const length = this.#to - this.#from
    if (length > 0) {
      const copy = this.#room(length)
      if (length > 32) this.#chunk.copy(copy, this.#copied, this.#from, this.#to)
      // A call to `copy` costs more than a few bytes moved by hand; bodies of nothing but dots are made of such.
      else for (let i = 0; i < length; i++) copy[this.#copied + i] = this.#chunk[this.#from + i]!
      this.#copied += length
    }
    this.#from = this.#to
  }

  #room(more: number): Buffer {
    const copy = this.#copy ?? Buffer.allocUnsafe(this.#chunk.length + 16)
    if (this.#copied + more <= copy.length) return (this.#copy = copy)
    const larger = Buffer.allocUnsafe(2 * copy.length + more)
    copy.copy(larger, 0, 0, this.#copied)
    return (this.#copy = larger)
  }
}
