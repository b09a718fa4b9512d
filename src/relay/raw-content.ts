import type { Content } from './content.ts'

/** Bytes from which on a piece may be kept without copying. */
const minKeptBytes = 4096
const firstBlockBytes = 4096
const maxBlockBytes = 65_536

/**
 * Content as it was received. Large pieces are kept without copying, small ones are copied into blocks, so that a message
 * that arrives one byte at a time needs a few blocks and not a million Buffers. Takes linear time, and holds at most twice
 * the message's size and one block.
 */
export class RawContent implements Content {
  readonly #parts: Buffer[] = []
  #size = 0
  #memoryBytes = 0
  #block = Buffer.alloc(0)
  /** The bytes of the block from `#start` to `#end` are content that is not yet in `#parts`. */
  #start = 0
  #end = 0

  get size(): number {
    return this.#size
  }

  get memoryBytes(): number {
    return this.#memoryBytes
  }

  memoryBytesWith(moreBytes: number): number {
    return Math.min(this.#memoryBytes, this.#size * 2) + moreBytes * 2 + maxBlockBytes
  }

  add(bytes: Buffer): void {
    this.#size += bytes.length
    if (isWorthKeeping(bytes)) {
      this.#flushBlock()
      this.#parts.push(bytes)
      this.#memoryBytes += bytes.buffer.byteLength
      return
    }
    for (let rest = bytes; rest.length > 0; ) {
      if (this.#end === this.#block.length) this.#newBlock()
      const copied = rest.copy(this.#block, this.#end)
      this.#end += copied
      rest = rest.subarray(copied)
    }
  }

  finish(): void {
    this.#flushBlock()
  }

  /** Returns the content that was added so far, in order. */
  [Symbol.iterator](): Iterator<Buffer> {
    this.#flushBlock()
    return this.#parts.values()
  }

  #flushBlock(): void {
    if (this.#end > this.#start) this.#parts.push(this.#block.subarray(this.#start, this.#end))
    this.#start = this.#end
  }

  #newBlock(): void {
    this.#flushBlock()
    // Not from the shared pool of Node.js, so that a message releases all of its memory at once.
    this.#block = Buffer.allocUnsafeSlow(
      Math.min(Math.max(firstBlockBytes, this.#block.length * 2), maxBlockBytes),
    )
    this.#memoryBytes += this.#block.length
    this.#start = this.#end = 0
  }
}

/** A piece that is much smaller than its ArrayBuffer would keep all of that memory. */
function isWorthKeeping(bytes: Buffer): boolean {
  return bytes.length >= minKeptBytes && bytes.length * 2 >= bytes.buffer.byteLength
}
