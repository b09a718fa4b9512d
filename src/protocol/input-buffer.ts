/**
 * Why a line cannot be used. An error is reported as soon as it is certain, not only at the line's end. `end of bad
 * line`: the rest of a line that was reported before has been skipped.
 */
export type LineError = 'too long' | 'unterminated' | 'bare newline' | 'end of bad line'

const CR = 0x0d
const LF = 0x0a
const empty = Buffer.alloc(0)
/** A chunk with fewer bytes left is joined with the next one. */
const joinedBytes = 4 * 1024
/** Bytes of the buffer for the first piece of a line; most commands fit. */
const firstLineBytes = 64

/**
 * Bytes that the client has sent and the session has not read yet. Lines end with CRLF and with nothing else (RFC
 * 5321 section 2.3.8). Results depend on the bytes alone, never on how they were cut into chunks, and no byte is
 * scanned twice.
 */
export class InputBuffer {
  #chunks: Buffer[] = []
  /** Number of chunks at the start of `#chunks` that have been consumed. */
  #used = 0
  /**
   * The beginning of a line whose end has not come, in its first `#lineBytes` bytes. It is a copy, so that a few
   * bytes do not keep a whole chunk in memory, and it is one buffer, however many segments the line came in.
   */
  #line = empty
  #lineBytes = 0
  /** The last byte taken out of the current line, to recognise a CRLF that came in two chunks. */
  #last = 0
  /** Bytes skipped of a line with an error; `undefined` if the current line has none. */
  #skipped: number | undefined

  /**
   * Adds a chunk. If the one before it has only a few bytes left, the two become one buffer: these bytes must not
   * keep a whole chunk in memory, and a client that sends one octet at a time must not have a buffer for each of
   * them.
   */
  add(bytes: Buffer): void {
    if (bytes.length === 0) return
    const rest = this.isEmpty ? undefined : this.#chunks.at(-1)
    if (rest !== undefined && rest.length < joinedBytes)
      this.#chunks[this.#chunks.length - 1] = joined(rest, bytes)
    else this.#chunks.push(bytes)
  }

  /** Gives the last chunk memory of its own if it is a small part of a larger buffer. */
  detach(): void {
    const rest = this.isEmpty ? undefined : this.#chunks.at(-1)!
    if (rest === undefined || rest.length >= joinedBytes || rest.buffer.byteLength === rest.length) return
    this.#chunks[this.#chunks.length - 1] = joined(rest, empty)
  }

  /**
   * The first byte of the next line; `undefined` if it has not come yet, or if a part of the line was taken already.
   */
  get firstByteOfLine(): number | undefined {
    if (this.#lineBytes > 0 || this.#skipped !== undefined) return undefined
    return this.#chunks[this.#used]?.[0]
  }

  get isEmpty(): boolean {
    return this.#used === this.#chunks.length
  }

  /** Bytes of memory that are held until they are read. */
  get heldBytes(): number {
    let bytes = this.#line.length
    for (let at = this.#used; at < this.#chunks.length; at++) bytes += this.#chunks[at]!.length
    return bytes
  }

  /**
   * Takes the next line and returns it without its CRLF; `undefined` until its end has come.
   * @param maxBytes bytes that a line may have, CRLF included
   * @param maxSkipped bytes that are skipped of a line with an error while its end does not come
   */
  readLine(maxBytes: number, maxSkipped: number): Buffer | LineError | undefined {
    while (!this.isEmpty) {
      if (this.#skipped !== undefined) {
        const error = this.#skipLine(maxSkipped)
        if (error === undefined) continue
        return error
      }
      // One byte more than a line may have is enough to know that it is too long.
      const piece = this.#takePiece(maxBytes + 1 - this.#lineBytes)
      const end = this.#endOf(piece)
      if (this.#lineBytes + piece.length > maxBytes) return this.#lineError('too long', end)
      if (end === 'bare LF') return this.#lineError('bare newline', end)
      if (end === 'CRLF') return this.#endLine(piece)
      this.#append(piece)
    }
    return undefined
  }

  /** Returns the next bytes as they came, for content that is not lines, and leaves them in the buffer. */
  peek(): Buffer | undefined {
    return this.#chunks[this.#used]
  }

  /** Removes bytes from the front. @param count at most the length of what `peek` returns */
  consume(count: number): void {
    const chunk = this.#chunks[this.#used]!
    if (count < chunk.length) {
      this.#chunks[this.#used] = chunk.subarray(count)
      return
    }
    this.#used++
    if (this.isEmpty) {
      this.#chunks = []
      this.#used = 0
    }
  }

  /** Removes everything. */
  clear(): void {
    this.#chunks = []
    this.#used = 0
    this.#forgetLine()
  }

  /** Takes bytes of one chunk, up to and including the next LF, at least one and at most `maxBytes`. */
  #takePiece(maxBytes: number): Buffer {
    const chunk = this.#chunks[this.#used]!
    const newline = chunk.indexOf(LF)
    const end = Math.min(newline < 0 ? chunk.length : newline + 1, maxBytes)
    this.consume(end)
    return end < chunk.length ? chunk.subarray(0, end) : chunk
  }

  /** Skips to the next newline; `undefined` if there is none in this chunk. */
  #skipLine(maxBytes: number): LineError | undefined {
    const piece = this.#takePiece(maxBytes + 1 - this.#skipped!)
    const end = this.#endOf(piece)
    this.#skipped! += piece.length
    if (this.#skipped! > maxBytes) return 'unterminated'
    if (end === 'bare LF') return 'bare newline'
    if (end === undefined) return undefined
    this.#forgetLine()
    return 'end of bad line'
  }

  #endOf(piece: Buffer): 'CRLF' | 'bare LF' | undefined {
    const before = piece.length > 1 ? piece[piece.length - 2] : this.#last
    this.#last = piece[piece.length - 1]!
    if (this.#last !== LF) return undefined
    return before === CR ? 'CRLF' : 'bare LF'
  }

  #append(piece: Buffer): void {
    const bytes = this.#lineBytes + piece.length
    if (bytes > this.#line.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#line.length, firstLineBytes))
      this.#line.copy(larger, 0, 0, this.#lineBytes)
      this.#line = larger
    }
    piece.copy(this.#line, this.#lineBytes)
    this.#lineBytes = bytes
  }

  #endLine(piece: Buffer): Buffer | LineError {
    if (this.#lineBytes > 0) this.#append(piece)
    const whole = this.#lineBytes > 0 ? this.#line.subarray(0, this.#lineBytes) : piece
    this.#forgetLine()
    const line = whole.subarray(0, -2)
    return line.includes(CR) ? 'bare newline' : line
  }

  /** Reports an error, and skips the rest of the line if its end has not come. */
  #lineError(error: LineError, end: 'CRLF' | 'bare LF' | undefined): LineError {
    const last = this.#last
    this.#forgetLine()
    if (end === 'CRLF') return error
    this.#last = last
    this.#skipped = 0
    return error
  }

  #forgetLine(): void {
    this.#line = empty
    this.#lineBytes = 0
    this.#last = 0
    this.#skipped = undefined
  }
}

/** Joins two buffers in memory of its own: a part of Node's shared pool would keep all of the pool in memory. */
function joined(one: Buffer, other: Buffer): Buffer {
  const both = Buffer.allocUnsafeSlow(one.length + other.length)
  one.copy(both)
  other.copy(both, one.length)
  return both
}
