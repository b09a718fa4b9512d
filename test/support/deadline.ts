/** How long a test waits for what must happen; far longer than it takes, also on a machine that is busy. */
export const testTimeoutMs = 20_000

/** It did not happen in time. */
export class DeadlineError extends Error {}

/** The promise's value, or an error that says what was waited for. `seen` tells what there was instead. */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  seen: () => string = () => '',
  ms = testTimeoutMs,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(`waited ${ms} ms for ${what}; ${seen()}`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
