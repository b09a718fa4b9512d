/** Longest wait for an expected event, in milliseconds. Much longer than it takes, even on a busy machine. */
export const testTimeoutMs = 20_000

/** The expected event did not happen in time. */
export class DeadlineError extends Error {}

/**
 * Resolves with the promise's value, or rejects with a DeadlineError after `ms` milliseconds.
 *
 * @param what what the test waits for
 * @param seen returns what happened instead, for the error message
 */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  seen: () => string = () => '',
  ms = testTimeoutMs,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(`waited ${ms} ms for ${what}; ${seen()}`)), ms)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
