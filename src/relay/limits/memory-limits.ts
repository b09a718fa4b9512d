/** How the memory for messages is shared. `--message-memory` says how much there is. */
export const memoryLimits = {
  /** Bytes that a small message holds at most. One of 50 KB is small, whatever its bytes and the backend are. */
  smallBytes: 256 * 1024,
  /** The part of the memory that only small messages may hold: the reserve. */
  reservedShare: 1 / 8,
  /** The reserve has room for at least this number of small messages of the largest size. */
  reservedMessages: 4,
  /** The part of a pool that one client address may hold while messages of others wait. */
  addressShare: 1 / 2,
  /** Bytes of content per second that have to come while other messages wait for memory. */
  leastRate: 1024,
  /** Milliseconds over which `leastRate` is measured. */
  rateWindowMs: 10_000,
  /** Milliseconds between two checks for messages to evict, while messages wait. */
  checkMs: 1000,
} as const
