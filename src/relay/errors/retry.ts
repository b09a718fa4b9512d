import { ruleFor } from './error-table.ts'

/** Tries of one call, the first included. */
const maxTries = 5
const firstDelayMs = 500

/**
 * True where the backend answered that it has not taken the mail now: it may be tried once more. After a silence or
 * a break it may have taken it.
 */
export function isRetryable(error: unknown): boolean {
  return ruleFor(error).retryable ?? false
}

/** Milliseconds to wait after so many tries; `undefined` if they were enough. */
export function retryDelayMs(tries: number): number | undefined {
  if (tries >= maxTries) return undefined
  const delayMs = firstDelayMs * 2 ** (tries - 1)
  // Half of it by chance: calls that failed together should not come back together.
  return (delayMs * (1 + Math.random())) / 2
}
