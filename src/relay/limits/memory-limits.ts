/** How the memory for messages is shared. `--message-memory` sets its size. */
export const memoryLimits = {
  /** The most bytes that a small message holds. A message of 50 KB is small for every backend and any content. */
  smallBytes: 256 * 1024,
  /** The part of the memory that only small messages may hold: the reserve. */
  reservedShare: 1 / 8,
  /** The reserve has room for at least this number of small messages of the largest size. */
  reservedMessages: 4,
  /** The part of a pool that one client address may hold while messages of others wait. */
  addressShare: 1 / 2,
  /** Bytes of content per second that have to arrive while other messages wait for memory. */
  minBytesPerSecond: 1024,
  /** Milliseconds over which `minBytesPerSecond` is measured. */
  rateWindowMs: 10_000,
  /** Milliseconds between two checks for messages to evict, while messages wait. */
  checkMs: 1000,
} as const
