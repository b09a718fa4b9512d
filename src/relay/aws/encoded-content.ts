import { createHash } from 'node:crypto'
import type { Content } from '../content.ts'

/** How AWS wants bytes inside a request: base64 inside JSON, or base64 inside an HTML form. */
export type Encoding = 'json' | 'form'

/** The body of a request. */
export interface Payload {
  readonly parts: readonly Buffer[]
  readonly bytes: number
  /** In hexadecimal digits, as AWS Signature Version 4 has it. */
  readonly sha256: string
}

/** Multiples of three, so that what was encoded block by block is the encoding of the whole. */
const firstBlock = 3 * 1024
const largestBlock = 48 * 1024

/**
 * Content as the body of a request to AWS, encoded and hashed while it comes: at the end of a large mail there is little
 * left to do, and one encoded copy is all that is held. What differs from call to call comes behind it (`payload`), so
 * that all calls of a mail share the copy and its hash.
 */
export class EncodedContent implements Content {
  readonly encoding: Encoding
  readonly head: string
  readonly #parts: Buffer[] = []
  readonly #hash = createHash('sha256')
  #size = 0
  #encodedBytes = 0
  /** What is not encoded yet: the first `#filled` bytes of it. */
  #block = Buffer.alloc(0)
  #filled = 0

  /** The content in that form: as it is, if it was collected so. */
  static of(content: Iterable<Buffer>, coding: Encoding, head: string): EncodedContent {
    if (content instanceof EncodedContent && content.encoding === coding && content.head === head)
      return content
    const encoded = new EncodedContent(coding, head)
    for (const part of content) encoded.add(part)
    return encoded
  }

  /** @param head what stands before the content in the request, already encoded */
  constructor(coding: Encoding, head: string) {
    this.encoding = coding
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
    return this.#encodedBytes + groups * bytesPerGroup[this.encoding] + largestBlock
  }

  add(bytes: Buffer): void {
    this.#size += bytes.length
    for (let rest = bytes; rest.length > 0; ) {
      if (this.#filled === this.#block.length) this.#beginBlock()
      const copied = rest.copy(this.#block, this.#filled)
      this.#filled += copied
      rest = rest.subarray(copied)
    }
  }

  finish(): void {
    this.#encode()
    this.#block = Buffer.alloc(0)
  }

  /** The whole body of one call. @param tail what stands behind the content, already encoded */
  payload(tail: string): Payload {
    this.finish()
    const end = Buffer.from(tail)
    return {
      parts: [...this.#parts, end],
      bytes: this.#encodedBytes + end.length,
      sha256: this.#hash.copy().update(end).digest('hex'),
    }
  }

  /** The content as it was before it was encoded. */
  *[Symbol.iterator](): Iterator<Buffer> {
    this.finish()
    const [, ...encoded] = this.#parts
    for (const part of encoded) {
      const base64 = part.toString('latin1')
      yield Buffer.from(this.encoding === 'form' ? decodeURIComponent(base64) : base64, 'base64')
    }
  }

  #beginBlock(): void {
    this.#encode()
    if (this.#block.length === largestBlock) return
    // Not from Node's shared pool: a mail gives back all of its memory at once.
    this.#block = Buffer.allocUnsafeSlow(Math.min(Math.max(firstBlock, this.#block.length * 4), largestBlock))
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

/** The most that three bytes of content become: four characters, which a form may have to write as `%2B`. */
const bytesPerGroup: Readonly<Record<Encoding, number>> = { json: 4, form: 12 }

/** Text whose bytes are below 128 has next to none of these in its base64: to look first costs less than to replace. */
function percentEncoded(base64: string): string {
  let text = base64
  if (text.includes('+')) text = text.replaceAll('+', '%2B')
  if (text.includes('/')) text = text.replaceAll('/', '%2F')
  if (text.endsWith('=')) text = text.replaceAll('=', '%3D')
  return text
}
