/** The time source of everything that waits. Tests pass a clock on which time passes at once. */
export interface Clock {
  /** Milliseconds since an arbitrary moment. Never decreases. */
  now(): number
  /** Resolves after `ms` milliseconds, or as soon as `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The largest delay that the timers of Node.js support, in milliseconds. A larger one fires at once. */
export const maxTimerMs = 2 ** 31 - 1

/** The time of the operating system. */
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
