/** What waiting needs. Tests bring one whose time passes at once. */
export interface Clock {
  /** Milliseconds since some moment; they never go back. */
  now(): number
  /** Resolves after so long, or as soon as the signal says that nobody waits any more. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The time that passes by itself. */
export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise(resolve => {
      const timer = setTimeout(resolve, Math.min(ms, maxTimerMs))
      signal?.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    }),
}

/** For more than that Node's timers do not wait at all. */
const maxTimerMs = 2 ** 31 - 1

/** True once the promise resolves, false if that takes longer than `ms`. */
export async function resolvesWithin(clock: Clock, ms: number, promise: Promise<void>): Promise<boolean> {
  const decided = new AbortController()
  try {
    return await Promise.race([
      promise.then(() => true),
      clock.sleep(Math.max(0, ms), decided.signal).then(() => false),
    ])
  } finally {
    decided.abort()
  }
}
