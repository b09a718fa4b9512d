/** Tries of one call, the first one included. */
const maxTries = 5
const firstDelayMs = 500

/** Milliseconds to wait before the next try; `undefined` if there is none. Each delay is twice as long as the one before. */
export function retryDelayMs(tries: number): number | undefined {
  if (tries >= maxTries) return undefined
  const delayMs = firstDelayMs * 2 ** (tries - 1)
  // Half of the delay is random, so that calls that failed together do not come back together.
  return (delayMs * (1 + Math.random())) / 2
}
