/**
 * Why a line cannot be used. Its faults are told as soon as they are certain, not only at its end; `over` is told when
 * the end has come.
 */
export type LineError = 'too long' | 'endless' | 'bare newline' | 'over'

const CR = 0x0d
const LF = 0x0a
const empty = Buffer.alloc(0)
/** A chunk with fewer bytes left is joined with the next one. */
const joinedBytes = 4 * 1024
/** Bytes of the buffer for the first piece of a line; most commands fit. */
const firstLineBytes = 64

/**
 * What the client sent and nobody has read yet. Lines end with CRLF and with nothing else (RFC 5321 section 2.3.8).
 * Every answer depends on the bytes alone, never on how they were cut into chunks, and no byte is looked at twice.
 */
export class InputBuffer {
  #chunks: Buffer[] = []
  /** How many of `#chunks` are used up. */
  #used = 0
  /**
   * The beginning of a line whose end has not come, in its first `#lineBytes` bytes. It is a copy, so that a few bytes do
   * not keep a whole chunk in memory, and it is one buffer, however many segments the line came in.
   */
  #line = empty
  #lineBytes = 0
  /** The last byte taken out of the current line, to tell a CRLF that came in two chunks. */
  #last = 0
  /** The current line was at fault: what is left of it is skipped, and this many bytes were. */
  #skipped: number | undefined

  /**
   * Adds a chunk. If the one before it has only a few bytes left, the two become one buffer: these bytes must not keep a
   * whole chunk in memory, and a client that sends one octet at a time must not have a buffer for each of them.
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

  /** The first byte of the line to come; `undefined` where there is none yet, or where the line has begun. */
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
   * The next line without its CRLF; `undefined` until its end has come.
   * @param most bytes that a line may have, CRLF included
   * @param mostSkipped bytes of a line at fault that are skipped while its end does not come
   */
  readLine(most: number, mostSkipped: number): Buffer | LineError | undefined {
    while (!this.isEmpty) {
      if (this.#skipped !== undefined) {
        const fault = this.#skipLine(mostSkipped)
        if (fault === undefined) continue
        return fault
      }
      // One byte more than a line may have is enough to know that it is too long.
      const piece = this.#take(most + 1 - this.#lineBytes)
      const end = this.#endOf(piece)
      if (this.#lineBytes + piece.length > most) return this.#fault('too long', end)
      if (end === 'bare LF') return this.#fault('bare newline', end)
      if (end === 'CRLF') return this.#endLine(piece)
      this.#append(piece)
    }
    return undefined
  }

  /** Bytes as they came, for content that is not lines. */
  readChunk(): Buffer | undefined {
    return this.isEmpty ? undefined : this.#take(Number.POSITIVE_INFINITY, false)
  }

  /** Gives back what `readChunk` returned too much of. */
  unread(bytes: Buffer): void {
    if (bytes.length === 0) return
    if (this.#used > 0) this.#chunks[--this.#used] = bytes
    else this.#chunks.unshift(bytes)
  }

  /** Forgets everything. */
  clear(): void {
    this.#chunks = []
    this.#used = 0
    this.#forgetLine()
  }

  /** At least one byte, up to and including the next LF where `toNewline`, at most `most`, all of one chunk. */
  #take(most: number, toNewline = true): Buffer {
    const chunk = this.#chunks[this.#used]!
    const newline = toNewline ? chunk.indexOf(LF) : -1
    const end = Math.min(newline < 0 ? chunk.length : newline + 1, most)
    if (end < chunk.length) {
      this.#chunks[this.#used] = chunk.subarray(end)
      return chunk.subarray(0, end)
    }
    this.#used++
    if (this.isEmpty) {
      this.#chunks = []
      this.#used = 0
    }
    return chunk
  }

  /** Skips to the next newline; `undefined` when there is none in this chunk. */
  #skipLine(most: number): LineError | undefined {
    const piece = this.#take(most + 1 - this.#skipped!)
    const end = this.#endOf(piece)
    this.#skipped! += piece.length
    if (this.#skipped! > most) return 'endless'
    if (end === 'bare LF') return 'bare newline'
    if (end === undefined) return undefined
    this.#forgetLine()
    return 'over'
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

  #fault(fault: LineError, end: 'CRLF' | 'bare LF' | undefined): LineError {
    const last = this.#last
    this.#forgetLine()
    if (end === 'CRLF') return fault
    this.#last = last
    this.#skipped = 0
    return fault
  }

  #forgetLine(): void {
    this.#line = empty
    this.#lineBytes = 0
    this.#last = 0
    this.#skipped = undefined
  }
}

/** Not in a part of Node's shared pool, which would stay in memory as a whole. */
function joined(one: Buffer, other: Buffer): Buffer {
  const both = Buffer.allocUnsafeSlow(one.length + other.length)
  one.copy(both)
  other.copy(both, one.length)
  return both
}
