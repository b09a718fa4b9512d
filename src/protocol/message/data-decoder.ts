import { FastCopier, skipDotLines } from './fast-copy.ts'
import { NewlineScanner } from './newline-scanner.ts'
import { OutputBuffer } from './output-buffer.ts'

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e

/** What was read last, which determines the meaning of the next byte. */
type DecoderState =
  | 'text'
  /** A CR, held back: the next byte shows whether it is a bare CR. */
  | 'cr'
  /** A CRLF, or no content yet. */
  | 'line start'
  /** A dot after a CRLF, and the CR after that dot. Both are held back: they may be the end. */
  | 'dot'
  | 'dot cr'
  /** A bare newline. */
  | 'bare newline'
  /** A dot after a bare newline, and the CR after that dot. Both are held back: they may have to be dropped. */
  | 'bare newline, dot'
  | 'bare newline, dot cr'

/** The result of one call of `read`. */
export interface Decoded {
  /** Decoded content: a subarray of the chunk if nothing was changed, a copy otherwise. */
  readonly content: Buffer
  /** Bytes of the chunk that were read. The caller passes the others again, unless the content has ended. */
  readonly used: number
  /** Bytes of content among them: dots unstuffed, line endings as they came. */
  readonly size: number
  /** CRLF `.` CRLF was read. */
  readonly ended: boolean
}

/**
 * Decodes the content of a message. Each byte is read once, and the result does not depend on how the content was cut
 * into chunks.
 *
 * With dots (RFC 5321 section 4.5.2), only CRLF `.` CRLF ends the content, and a dot is removed only after a CRLF.
 * The CRLF of the DATA command counts as the first one.
 *
 * Every bare CR and bare LF is replaced by CRLF, so that no later server can read one as the end of a line, or it is
 * rejected (RFC 5321 section 2.3.8). After a bare newline, a line of nothing but a dot is dropped: another server
 * might read it as the end of the message (SMTP smuggling).
 */
export class DataDecoder {
  readonly #dots: boolean
  readonly #normalize: boolean
  readonly #copier: FastCopier
  #state: DecoderState = 'line start'
  #hasBareNewline = false
  #ended = false

  constructor({ dots, bareNewline }: { dots: boolean; bareNewline: 'normalize' | 'reject' }) {
    this.#dots = dots
    this.#normalize = bareNewline === 'normalize'
    this.#copier = new FastCopier({ dots, normalize: this.#normalize })
  }

  /** True if bare newlines are rejected and one was read. Content from there on is dropped. */
  get refused(): boolean {
    return this.#hasBareNewline
  }

  /** Decodes the start of a chunk: bytes that need no change, or else bytes that do. @param chunk not empty */
  read(chunk: Buffer): Decoded {
    const scanner = new NewlineScanner(chunk, this.#dots)
    const used = this.#inText(chunk[0]!) ? scanner.end(0) : 0
    if (used === 0) return this.#rewrite(chunk, scanner)
    this.#state = chunk[used - 1] === LF ? 'line start' : 'text'
    return { content: chunk.subarray(0, this.#hasBareNewline ? 0 : used), used, size: used, ended: false }
  }

  /** Ends the content. Returns the bytes that were held back. */
  end(): Buffer {
    const out = new OutputBuffer(0)
    if (this.#hasBareNewline) out.cut()
    if (this.#state === 'cr') this.#bareNewline(out)
    else if (this.#state === 'bare newline, dot') out.put(DOT)
    return out.content
  }

  /** True if the next byte is plain text in the current state. */
  #inText(next: number): boolean {
    if (this.#state === 'line start') return !this.#dots || next !== DOT
    return this.#state === 'text' || (this.#state === 'bare newline' && next !== DOT)
  }

  /** Copies a chunk whose first bytes need a change, all of it or as much as fits into the output. */
  #rewrite(chunk: Buffer, scanner: NewlineScanner): Decoded {
    const out = new OutputBuffer(chunk.length)
    if (this.#hasBareNewline) out.cut()
    let at = 0
    while (at < chunk.length && !this.#ended && !out.isFull(at)) {
      if (this.#state === 'bare newline') at = skipDotLines(chunk, at)
      if (at < chunk.length - 3 && this.#inText(chunk[at]!)) {
        at = this.#copier.copy(chunk, at, scanner, out)
        this.#state = this.#copier.afterBareNewline ? 'bare newline' : 'text'
      }
      if (at < chunk.length && this.#readByte(chunk[at]!, out)) at++
    }
    return { content: out.content, used: at, size: at - out.removed, ended: this.#ended }
  }

  /** Reads a byte in any state. Returns false if only held-back bytes were decided, and the byte must be read again. */
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
          // The CR was content.
          out.removed--
          this.#bareNewline(out)
          return false
        }
        break
      case 'bare newline':
        if (byte === DOT) this.#state = 'bare newline, dot'
        else this.#readPlain(byte, out)
        break
      case 'bare newline, dot':
        if (byte === CR) this.#state = 'bare newline, dot cr'
        else if (byte === LF) this.#state = 'bare newline'
        else {
          out.put(DOT)
          this.#readPlain(byte, out)
        }
        break
      case 'bare newline, dot cr':
        if (byte === LF) this.#state = 'line start'
        else {
          this.#state = 'bare newline'
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
      this.#hasBareNewline = true
      out.cut()
    }
    out.putNewline()
    this.#state = 'bare newline'
  }
}
