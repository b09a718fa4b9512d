import { createHash } from 'node:crypto'
import type { Content } from '../content.ts'

/** The encoding of the content in a request: base64 inside JSON, or base64 inside an HTML form. */
export type Encoding = 'json' | 'form'

/** The body of a request. */
export interface Payload {
  readonly parts: readonly Buffer[]
  readonly bytes: number
  /** The SHA-256 digest in hexadecimal digits, for AWS Signature Version 4. */
  readonly sha256: string
}

/** Multiples of three, so that the encodings of the blocks, one after the other, are the encoding of the whole. */
const firstBlockBytes = 3 * 1024
const maxBlockBytes = 48 * 1024

/**
 * Content as the body of a request to AWS, encoded and hashed while it arrives: little work remains at the end of a large
 * message, and only one encoded copy is held. The part that differs from call to call comes after the content (`payload`),
 * so that all calls of a message share the copy and its hash.
 */
export class EncodedContent implements Content {
  readonly encoding: Encoding
  readonly head: string
  readonly #parts: Buffer[] = []
  readonly #hash = createHash('sha256')
  #size = 0
  #encodedBytes = 0
  /** Its first `#filled` bytes are not encoded yet. */
  #block = Buffer.alloc(0)
  #filled = 0

  /** Returns the content in this encoding: the same object if it has the encoding and the head already. */
  static of(content: Iterable<Buffer>, encoding: Encoding, head: string): EncodedContent {
    if (content instanceof EncodedContent && content.encoding === encoding && content.head === head)
      return content
    const encoded = new EncodedContent(encoding, head)
    for (const part of content) encoded.add(part)
    return encoded
  }

  /** @param head the part of the body before the content, already encoded */
  constructor(encoding: Encoding, head: string) {
    this.encoding = encoding
    this.head = head
    this.#append(head)
  }

  get size(): number {
    return this.#size
  }

  get memoryBytes(): number {
    return this.#encodedBytes + this.#block.length
  }

  memoryBytesWith(moreBytes: number): number {
    const groups = Math.ceil((this.#filled + moreBytes) / 3)
    return this.#encodedBytes + groups * bytesPerGroup[this.encoding] + maxBlockBytes
  }

  add(bytes: Buffer): void {
    this.#size += bytes.length
    for (let rest = bytes; rest.length > 0; ) {
      if (this.#filled === this.#block.length) this.#newBlock()
      const copied = rest.copy(this.#block, this.#filled)
      this.#filled += copied
      rest = rest.subarray(copied)
    }
  }

  finish(): void {
    this.#encode()
    this.#block = Buffer.alloc(0)
  }

  /** Returns the whole body of one call. @param tail the part of the body after the content, already encoded */
  payload(tail: string): Payload {
    this.finish()
    const end = Buffer.from(tail)
    return {
      parts: [...this.#parts, end],
      bytes: this.#encodedBytes + end.length,
      sha256: this.#hash.copy().update(end).digest('hex'),
    }
  }

  /** Returns the content as it was before it was encoded. */
  *[Symbol.iterator](): Iterator<Buffer> {
    this.finish()
    const [, ...encoded] = this.#parts
    for (const part of encoded) {
      const base64 = part.toString('latin1')
      yield Buffer.from(this.encoding === 'form' ? decodeURIComponent(base64) : base64, 'base64')
    }
  }

  #newBlock(): void {
    this.#encode()
    if (this.#block.length === maxBlockBytes) return
    // Not from the shared pool of Node.js, so that a message releases all of its memory at once.
    this.#block = Buffer.allocUnsafeSlow(
      Math.min(Math.max(firstBlockBytes, this.#block.length * 4), maxBlockBytes),
    )
  }

  #encode(): void {
    if (this.#filled === 0) return
    const base64 = this.#block.toString('base64', 0, this.#filled)
    this.#filled = 0
    this.#append(this.encoding === 'form' ? percentEncoded(base64) : base64)
  }

  #append(text: string): void {
    const part = Buffer.allocUnsafeSlow(text.length)
    part.write(text, 'latin1')
    this.#parts.push(part)
    this.#encodedBytes += part.length
    this.#hash.update(part)
  }
}

/** The most bytes that three bytes of content become: four characters, which a form may have to write as `%2B`. */
const bytesPerGroup: Readonly<Record<Encoding, number>> = { json: 4, form: 12 }

/** Base64 of ASCII text has almost none of these characters. To search first is cheaper than to replace. */
function percentEncoded(base64: string): string {
  let text = base64
  if (text.includes('+')) text = text.replaceAll('+', '%2B')
  if (text.includes('/')) text = text.replaceAll('/', '%2F')
  if (text.endsWith('=')) text = text.replaceAll('=', '%3D')
  return text
}
