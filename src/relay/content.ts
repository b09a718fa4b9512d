/**
 * The content of one mail while it comes, in the form in which a backend wants to have it. Iterating gives the message
 * as it was added, in order, as few Buffers; it may be done again.
 */
export interface Content extends Iterable<Buffer> {
  /** Bytes of the message so far. */
  readonly size: number
  /** Bytes of memory that are held for it. */
  readonly memoryBytes: number
  /** The most that `heldBytes` can be once so many bytes more have come. */
  memoryBytesWith(moreBytes: number): number
  /** Adds the next bytes. They may be kept, and must not be changed afterwards. */
  add(bytes: Buffer): void
  /** Nothing more will be added: what was only needed for that is given back. */
  finish(): void
}
