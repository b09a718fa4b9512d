const CR = 0x0d
const LF = 0x0a

/** Bytes of output beyond the bytes read, at most: each bare newline takes one byte more than it had. */
const maxAddedBytes = 16 * 1024
/** Upper bound of bytes that are held back or written for one byte of input. */
const heldBytes = 4

/** Decoded content that differs from the input, in a buffer of its own. */
export class OutputBuffer {
  readonly bytes: Buffer
  #words: DataView | undefined
  /** Bytes written. */
  length = 0
  /** Bytes read that are not content: stuffed dots, and the end. */
  removed = 0
  /** Bytes from this index on are dropped. */
  #cut: number | undefined
  /** Bytes that may be written beyond the bytes read. */
  readonly spareBytes: number

  /** @param inputBytes bytes that may be read, at most */
  constructor(inputBytes: number) {
    // Bytes held back before are written too, and the last step may write more than fits.
    this.spareBytes = heldBytes + Math.min(inputBytes, maxAddedBytes)
    this.bytes = Buffer.allocUnsafe(inputBytes + this.spareBytes + heldBytes)
  }

  /** True if one more byte of input might not fit. @param read bytes that were read */
  isFull(read: number): boolean {
    return this.length - read > this.spareBytes
  }

  /** The buffer, for writing words of two or four bytes. */
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

  /** Drops everything that is written from now on. */
  cut(): void {
    this.#cut ??= this.length
  }

  get isCut(): boolean {
    return this.#cut !== undefined
  }

  /** The output without dropped bytes. */
  get content(): Buffer {
    return this.bytes.subarray(0, this.#cut ?? this.length)
  }
}
