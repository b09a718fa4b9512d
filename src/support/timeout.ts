import { type Clock, systemClock } from './clock.ts'

/**
 * Waits for a promise, but no longer than `ms` milliseconds. Returns true if the promise has resolved or rejected by
 * then, false if it has not. Never rejects.
 */
export async function settlesWithin(
  promise: Promise<unknown>,
  ms: number,
  clock: Clock = systemClock,
): Promise<boolean> {
  const settled = new AbortController()
  const done = () => true
  try {
    return await Promise.race([
      promise.then(done, done),
      clock.sleep(Math.max(0, ms), settled.signal).then(() => false),
    ])
  } finally {
    settled.abort()
  }
}

/**
 * Runs `work`, and returns what it returns. After `ms` milliseconds, aborts the signal that `work` has received, and
 * rejects with an error of the name `TimeoutError` without waiting for `work`: not all code obeys a signal.
 */
export async function withTimeout<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(Object.assign(new Error(`no answer within ${ms} ms`), { name: 'TimeoutError' }))
      abort.abort()
    }, ms)
  })
  try {
    return await Promise.race([work(abort.signal), timeout])
  } finally {
    clearTimeout(timer)
  }
}
