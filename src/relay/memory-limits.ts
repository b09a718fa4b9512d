/** How the memory for messages is shared; `--memory` says how much there is. */
export const memoryLimits = {
  /** Bytes that a small message holds at most. One of 50 KB is small, whatever its bytes and the backend are. */
  smallBytes: 256 * 1024,
  /** The part of the memory that only small messages may hold, */
  reservedShare: 1 / 8,
  /** or as much as so many small messages hold at most, if that is more. */
  reservedMessages: 4,
  /** The part of a pool that one client address may hold while messages of others wait. */
  addressShare: 1 / 2,
  /** Bytes of content per second that have to come while messages wait, */
  leastRate: 1024,
  /** over so many milliseconds. */
  rateWindowMs: 10_000,
  /** Milliseconds from one look for messages to evict to the next one, while messages wait. */
  checkMs: 1000,
} as const
