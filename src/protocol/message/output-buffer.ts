const CR = 0x0d
const LF = 0x0a

/** How much more than was read may be written: a newline that stood alone takes one byte more than it had. */
const maxBytesPerByte = 16 * 1024
/** More than is ever held back, or written for one byte. */
const heldBytes = 4

/** One piece of content that is not passed on as it came: what is written instead, in a buffer of its own. */
export class OutputBuffer {
  readonly bytes: Buffer
  #words: DataView | undefined
  /** Bytes written. */
  length = 0
  /** Bytes read that are no content: dots that were added for transport, and the end. */
  removed = 0
  /** Nothing from this index on is passed on. */
  #cut: number | undefined
  /** Bytes that may be written beyond those read. */
  readonly spare: number

  /** @param readable bytes that may be read, at most */
  constructor(readable: number) {
    // What was held back before is written too, and the step that fills it up.
    this.spare = heldBytes + Math.min(readable, maxBytesPerByte)
    this.bytes = Buffer.allocUnsafe(readable + this.spare + heldBytes)
  }

  /** Another byte of what is read might be too much; `read` were. */
  isFull(read: number): boolean {
    return this.length - read > this.spare
  }

  /** The buffer, to be written in words. */
  get words(): DataView {
    const { buffer, byteOffset, length } = this.bytes
    return (this.#words ??= new DataView(buffer, byteOffset, length))
  }

  put(byte: number): void {
    this.bytes[this.length++] = byte
  }

  putNewline(): void {
    this.put(CR)
    this.put(LF)
  }

  /** Nothing that is written from here on is passed on. */
  cut(): void {
    this.#cut ??= this.length
  }

  get isCut(): boolean {
    return this.#cut !== undefined
  }

  /** What is passed on. */
  get content(): Buffer {
    return this.bytes.subarray(0, this.#cut ?? this.length)
  }
}
