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
        const end = findNewlineAlone(chunk, at)
        excerpt.keep(at, end)
        at = end
      }
    }
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

/** Index of the first CR or LF at or behind `from` that is not half of a CRLF, or of a CR that ends the chunk. */
function findNewlineAlone(chunk: Buffer, from: number): number {
  let cr = chunk.indexOf(CR, from)
  let lf = chunk.indexOf(LF, from)
  while (cr >= 0 && lf === cr + 1) {
    cr = chunk.indexOf(CR, lf + 1)
    lf = chunk.indexOf(LF, lf + 1)
  }
  if (cr < 0 && lf < 0) return chunk.length
  return cr < 0 ? lf : lf < 0 ? cr : Math.min(cr, lf)
}
