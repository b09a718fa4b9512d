/** A worker that has lived so long did not die of how it was started. */
export const stableAfterMs = 60_000
const firstMs = 100
const longestMs = 30_000

/** How long to wait before a worker is started again that has died so many times in a row before. */
export function restartDelayMs(deaths: number): number {
  return deaths === 0 ? 0 : Math.min(longestMs, firstMs * 2 ** (deaths - 1))
}
