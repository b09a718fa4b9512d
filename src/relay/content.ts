/**
 * The content of one message while it is received, stored in the form in which a backend needs it. Iterating returns the
 * message as it was added, in order, in few Buffers. It may be iterated more than once.
 */
export interface Content extends Iterable<Buffer> {
  /** Bytes of the message that were added so far. */
  readonly size: number
  /** Bytes of memory that are held for it. */
  readonly memoryBytes: number
  /** Returns the most that `memoryBytes` can be after `moreBytes` more bytes were added. */
  memoryBytesWith(moreBytes: number): number
  /** Adds the next bytes. They may be kept, and must not be changed afterwards. */
  add(bytes: Buffer): void
  /** Called when nothing more will be added. Releases memory that only `add` needs. */
  finish(): void
}
