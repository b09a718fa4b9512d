import { failureOf } from './failures.ts'

/** Tries of one call, the first included. */
const maxTries = 5
const firstDelayMs = 500

/**
 * Milliseconds to wait before a call is tried once more, after so many tries; `undefined` if it must not be. It may be
 * where the backend answered that it has not taken the mail now. After a silence or a break it may have taken it.
 */
export function retryDelayMs(error: unknown, tries: number): number | undefined {
  if (tries >= maxTries || !failureOf(error).again) return undefined
  const delayMs = firstDelayMs * 2 ** (tries - 1)
  // Half of it by chance: calls that failed together should not come back together.
  return (delayMs * (1 + Math.random())) / 2
}
