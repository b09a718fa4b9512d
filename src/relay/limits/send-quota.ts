import { logText } from '../errors/error-info.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** The settings with which the account's send rate is tracked. */
export interface QuotaOptions {
  /** Returns the backend's recipients per second: `sendRate` of a `Relay`. */
  readonly ask: () => Promise<number>
  /** Called with a sentence for the operator when a request fails after one that succeeded. */
  readonly warn: (text: string) => void
  /** Milliseconds between requests (600,000 if left out). */
  readonly everyMs?: number
}

/**
 * Sets a rate limiter to the send rate of the account, now and at intervals. While there is no answer, for example because a
 * permission is missing, the limiter stays as it is. Returns a function that stops the timer, which does not keep the process
 * running.
 */
export function trackSendQuota(
  rateLimiter: RateLimiter,
  { ask, warn, everyMs = 600_000 }: QuotaOptions,
): () => void {
  let failing = false

  async function refresh(): Promise<void> {
    try {
      const perSecond = await ask()
      if (Number.isNaN(perSecond)) throw new Error('the send rate is not a number')
      // AWS returns -1 for "no limit".
      rateLimiter.perSecond = perSecond > 0 ? perSecond : 0
      failing = false
    } catch (error) {
      if (!failing) warn(`The account's send rate is unknown, ${current(rateLimiter)}: ${logText(error)}`)
      failing = true
    }
  }

  void refresh()
  const timer = setInterval(refresh, everyMs).unref()
  return () => clearInterval(timer)
}

function current({ perSecond }: RateLimiter): string {
  return perSecond > 0
    ? `the earlier rate of ${perSecond} per second stays in use`
    : 'mail is sent without a limit'
}
