import { Excerpt } from './excerpt.ts'

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e

/**
 * Makes CRLF of every CR and LF that stands alone, so that no later server can take one for the end of a line, or
 * refuses them (RFC 5321 section 2.3.8). A line of nothing but a dot that begins behind a newline which stood alone is
 * left out: it may have been meant to end the message somewhere else.
 */
export class LineEndings {
  readonly #normalize: boolean
  /** A CR was read and not passed on: the next byte tells whether it stood alone. */
  #pendingCr = false
  /** `suspect`: at the start of a line behind a newline that stood alone. `dot`: a dot was read there, not passed on. */
  #line: 'plain' | 'suspect' | 'dot' = 'plain'
  #refused = false

  constructor(policy: 'normalize' | 'reject') {
    this.#normalize = policy === 'normalize'
  }

  /** A newline stood alone where that is refused; nothing behind it is passed on. */
  get refused(): boolean {
    return this.#refused
  }

  /** What is passed on of the next chunk. The last bytes of it may wait for the chunk after it. */
  read(chunk: Buffer): Buffer {
    const excerpt = new Excerpt(chunk)
    const newlines = new Newlines(chunk)
    let at = 0
    while (at < chunk.length && !this.#refused) {
      const byte = chunk[at]
      if (this.#pendingCr) {
        this.#pendingCr = false
        if (byte !== LF) this.#newlineAlone(excerpt)
        else {
          at++
          this.#newline(excerpt, at)
        }
      } else if (this.#line === 'suspect' && byte === DOT) {
        this.#line = 'dot'
        at++
      } else if (byte === CR) {
        this.#pendingCr = true
        at++
      } else if (byte === LF) {
        this.#newlineAlone(excerpt)
        at++
      } else {
        if (this.#line === 'dot') excerpt.put(DOT)
        this.#line = 'plain'
        const end = newlines.nextAlone(at)
        excerpt.keep(at, end)
        at = end
      }
    }
    return excerpt.take()
  }

  /** The content ends here: what waited for the next chunk. */
  end(): Buffer {
    const excerpt = new Excerpt(Buffer.alloc(0))
    if (this.#pendingCr) this.#newlineAlone(excerpt)
    else if (this.#line === 'dot') excerpt.put(DOT)
    this.#pendingCr = false
    this.#line = 'plain'
    return excerpt.take()
  }

  /** A CRLF, its LF right before `end`. */
  #newline(excerpt: Excerpt, end: number): void {
    if (this.#line !== 'dot') {
      if (end >= 2) excerpt.keep(end - 2, end)
      else {
        excerpt.put(CR)
        excerpt.put(LF)
      }
    }
    this.#line = 'plain'
  }

  #newlineAlone(excerpt: Excerpt): void {
    if (!this.#normalize) {
      this.#refused = true
      return
    }
    if (this.#line !== 'dot') {
      excerpt.put(CR)
      excerpt.put(LF)
    }
    this.#line = 'suspect'
  }
}

/** Finds the newlines of a chunk, looking at each byte once. */
class Newlines {
  readonly #chunk: Buffer
  #cr = -1
  #lf = -1

  constructor(chunk: Buffer) {
    this.#chunk = chunk
  }

  /** Index of the first CR or LF at or behind `from` that is no half of a CRLF, or of a CR that ends the chunk. */
  nextAlone(from: number): number {
    if (this.#cr < from) this.#cr = this.#find(CR, from)
    if (this.#lf < from) this.#lf = this.#find(LF, from)
    while (this.#lf === this.#cr + 1 && this.#lf < this.#chunk.length) {
      this.#cr = this.#find(CR, this.#lf + 1)
      this.#lf = this.#find(LF, this.#lf + 1)
    }
    return Math.min(this.#cr, this.#lf)
  }

  /** The chunk's length where there is none. */
  #find(byte: number, from: number): number {
    const found = this.#chunk.indexOf(byte, from)
    return found < 0 ? this.#chunk.length : found
  }
}
