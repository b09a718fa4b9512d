import { FastCopier, skipDotLines } from './fast-copy.ts'
import { NewlineScanner } from './newline-scanner.ts'
import { OutputBuffer } from './output-buffer.ts'

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e

/** What the reader has just read, which decides what the next byte means. */
type State =
  | 'text'
  /** A CR, not passed on: the next byte tells whether it stood alone. */
  | 'cr'
  /** A CRLF, or nothing yet. */
  | 'line start'
  /** A dot behind a CRLF, and the CR behind that: not passed on, perhaps the end. */
  | 'dot'
  | 'dot cr'
  /** A newline that stood alone. */
  | 'suspect'
  /** A dot behind such a newline, and the CR behind that: not passed on, perhaps left out. */
  | 'suspect dot'
  | 'suspect dot cr'

/** What one reading gave. */
export interface Decoded {
  /** What is passed on: a subarray of the chunk where it is one stretch of it, a copy where anything was changed. */
  readonly content: Buffer
  /** Bytes of the chunk that were read; if there are more, and the content has not ended, they are the next chunk. */
  readonly used: number
  /** Bytes of content that they were, dots unstuffed, line endings as they came. */
  readonly size: number
  /** CRLF `.` CRLF was read. */
  readonly ended: boolean
}

/**
 * Reads the content of a mail, each byte once; what comes out does not depend on where the chunks were cut.
 *
 * With dots (RFC 5321 section 4.5.2), only CRLF `.` CRLF ends it, and only a dot behind a real CRLF is removed. The CRLF
 * of the DATA command counts as the first one.
 *
 * Every CR and LF that stands alone becomes CRLF, so that no later server can take one for the end of a line, or is
 * refused (RFC 5321 section 2.3.8). A line of nothing but a dot that begins behind a newline which stood alone is left
 * out: it may have been meant to end the message somewhere else.
 */
export class DataDecoder {
  readonly #dots: boolean
  readonly #normalize: boolean
  readonly #copier: FastCopier
  #state: State = 'line start'
  #refused = false
  #ended = false

  constructor({ dots, bareNewline }: { dots: boolean; bareNewline: 'normalize' | 'reject' }) {
    this.#dots = dots
    this.#normalize = bareNewline === 'normalize'
    this.#copier = new FastCopier({ dots, normalize: this.#normalize })
  }

  /** A newline stood alone where that is refused; nothing behind it is passed on. */
  get refused(): boolean {
    return this.#refused
  }

  /** Reads a chunk as far as it is one piece: up to the first change, or from there on. */
  read(chunk: Buffer): Decoded {
    const stretches = new NewlineScanner(chunk, this.#dots)
    const used = this.#inText(chunk[0]!) ? stretches.end(0) : 0
    if (used === 0) return this.#rewrite(chunk, stretches)
    this.#state = chunk[used - 1] === LF ? 'line start' : 'text'
    return { content: chunk.subarray(0, this.#refused ? 0 : used), used, size: used, ended: false }
  }

  /** The content ends here: what waited for the next chunk. */
  end(): Buffer {
    const out = new OutputBuffer(0)
    if (this.#refused) out.cut()
    if (this.#state === 'cr') this.#bareNewline(out)
    else if (this.#state === 'suspect dot') out.put(DOT)
    return out.content
  }

  /** What went before the next byte does not matter to it. */
  #inText(next: number): boolean {
    if (this.#state === 'line start') return !this.#dots || next !== DOT
    return this.#state === 'text' || (this.#state === 'suspect' && next !== DOT)
  }

  /** What a chunk begins with needs a change: all of it is written into one copy, or what there is room for. */
  #rewrite(chunk: Buffer, stretches: NewlineScanner): Decoded {
    const out = new OutputBuffer(chunk.length)
    if (this.#refused) out.cut()
    let at = 0
    while (at < chunk.length && !this.#ended && !out.isFull(at)) {
      if (this.#state === 'suspect') at = skipDotLines(chunk, at)
      if (at < chunk.length - 3 && this.#inText(chunk[at]!)) {
        at = this.#copier.copy(chunk, at, stretches, out)
        this.#state = this.#copier.afterBareNewline ? 'suspect' : 'text'
      }
      if (at < chunk.length && this.#readByte(chunk[at]!, out)) at++
    }
    return { content: out.content, used: at, size: at - out.removed, ended: this.#ended }
  }

  /** Reads a byte, whatever went before it; false if it has to be read again, as only what was held back was read. */
  #readByte(byte: number, out: OutputBuffer): boolean {
    switch (this.#state) {
      case 'text':
        this.#readPlain(byte, out)
        break
      case 'line start':
        if (this.#dots && byte === DOT) {
          out.removed++
          this.#state = 'dot'
        } else this.#readPlain(byte, out)
        break
      case 'cr':
        if (byte === LF) {
          out.putNewline()
          this.#state = 'line start'
        } else {
          this.#bareNewline(out)
          return false
        }
        break
      case 'dot':
        if (byte === CR) {
          out.removed++
          this.#state = 'dot cr'
        } else this.#readPlain(byte, out)
        break
      case 'dot cr':
        if (byte === LF) {
          out.removed++
          this.#ended = true
        } else {
          // The CR was content after all.
          out.removed--
          this.#bareNewline(out)
          return false
        }
        break
      case 'suspect':
        if (byte === DOT) this.#state = 'suspect dot'
        else this.#readPlain(byte, out)
        break
      case 'suspect dot':
        if (byte === CR) this.#state = 'suspect dot cr'
        else if (byte === LF) this.#state = 'suspect'
        else {
          out.put(DOT)
          this.#readPlain(byte, out)
        }
        break
      case 'suspect dot cr':
        if (byte === LF) this.#state = 'line start'
        else {
          this.#state = 'suspect'
          return false
        }
    }
    return true
  }

  #readPlain(byte: number, out: OutputBuffer): void {
    if (byte === CR) this.#state = 'cr'
    else if (byte === LF) this.#bareNewline(out)
    else {
      out.put(byte)
      this.#state = 'text'
    }
  }

  #bareNewline(out: OutputBuffer): void {
    if (!this.#normalize) {
      this.#refused = true
      out.cut()
    }
    out.putNewline()
    this.#state = 'suspect'
  }
}
