import type { Content } from './content.ts'

/** From this many bytes on a piece is worth a Buffer of its own. */
const largePiece = 4096
const firstBlock = 4096
const largestBlock = 65_536

/**
 * Content as it came. Large pieces are kept as they are, small ones copied together into blocks, so that a mail sent one
 * byte at a time is a few blocks and not a million Buffers. Takes linear time, and holds at most twice the mail's size
 * and one block.
 */
export class RawContent implements Content {
  readonly #parts: Buffer[] = []
  #size = 0
  #heldBytes = 0
  #block = Buffer.alloc(0)
  /** The block's bytes from `#start` to `#end` are content that is not yet among the parts. */
  #start = 0
  #end = 0

  get size(): number {
    return this.#size
  }

  get memoryBytes(): number {
    return this.#heldBytes
  }

  memoryBytesWith(moreBytes: number): number {
    return Math.min(this.#heldBytes, this.#size * 2) + moreBytes * 2 + largestBlock
  }

  add(bytes: Buffer): void {
    this.#size += bytes.length
    if (isWorthKeeping(bytes)) {
      this.#flushBlock()
      this.#parts.push(bytes)
      this.#heldBytes += bytes.buffer.byteLength
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

  /** The content so far, in order. */
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
    // Not from Node's shared pool: a mail gives back all of its memory at once.
    this.#block = Buffer.allocUnsafeSlow(Math.min(Math.max(firstBlock, this.#block.length * 2), largestBlock))
    this.#heldBytes += this.#block.length
    this.#start = this.#end = 0
  }
}

/** A piece much smaller than the memory it lies in would keep all of that memory. */
function isWorthKeeping(bytes: Buffer): boolean {
  return bytes.length >= largePiece && bytes.length * 2 >= bytes.buffer.byteLength
}
