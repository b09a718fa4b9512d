import { logText } from '../errors/error-info.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** Where a pace comes from that is not the operator's. */
export interface QuotaOptions {
  /** Asks the backend for recipients a second: a relay's `sendRate`. */
  readonly ask: () => Promise<number>
  /** Hears it once when the answer fails to come, as a sentence for the operator. */
  readonly warn: (text: string) => void
  /** Milliseconds between questions (600,000 if left out). */
  readonly everyMs?: number
}

/**
 * Keeps a pace at what the account may send. Until there is an answer, and where there is none (the permission may be
 * missing), the pace stays what it was. Returns how to stop; a program may end without.
 */
export function trackSendQuota(
  pace: RateLimiter,
  { ask, warn, everyMs = 600_000 }: QuotaOptions,
): () => void {
  let failing = false

  async function refresh(): Promise<void> {
    try {
      const perSecond = await ask()
      if (Number.isNaN(perSecond)) throw new Error('the answer is no number')
      // Not a number of recipients: AWS writes -1 for "no limit".
      pace.perSecond = perSecond > 0 ? perSecond : 0
      failing = false
    } catch (error) {
      if (!failing) warn(`The account's send rate is not known, ${current(pace)}: ${logText(error)}`)
      failing = true
    }
  }

  void refresh()
  const timer = setInterval(refresh, everyMs).unref()
  return () => clearInterval(timer)
}

function current({ perSecond }: RateLimiter): string {
  return perSecond > 0 ? `it is taken to be ${perSecond} as before` : 'mail is sent without a limit'
}
