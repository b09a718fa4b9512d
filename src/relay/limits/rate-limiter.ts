import { type Clock, systemClock } from '../../support/clock.ts'

/** How much may be sent at once after a pause: what could have been sent in this time. */
const bucketMs = 1000

/**
 * A token bucket of recipients: so many a second in the long run, and one second's worth at once. Calls go in the
 * order in which they came. One of more recipients than the bucket holds goes when it is full, and those behind it
 * wait until it is paid for.
 */
export class RateLimiter {
  /** Recipients a second; 0 is no limit. */
  perSecond: number
  readonly #clock: Clock
  /** When the bucket will be full again if nobody comes. */
  #fullAt = Number.NEGATIVE_INFINITY

  constructor(perSecond = 0, clock: Clock = systemClock) {
    this.perSecond = perSecond
    this.#clock = clock
  }

  /**
   * Waits until a call for so many recipients may go. Rejects at once, with the name `SendRateExceeded`, if that would
   * take more than `patienceMs`: the place in the queue is then somebody else's.
   */
  async acquire(recipients: number, patienceMs: number): Promise<void> {
    if (this.perSecond <= 0) return
    const now = this.#clock.now()
    const costMs = (recipients * 1000) / this.perSecond
    const waitMs = this.#fullAt - now - bucketMs + Math.min(costMs, bucketMs)
    if (waitMs > Math.max(0, patienceMs)) throw exceeded(this.perSecond, waitMs)
    this.#fullAt = Math.max(this.#fullAt, now) + costMs
    if (waitMs > 0) await this.#clock.sleep(waitMs)
  }
}

function exceeded(perSecond: number, waitMs: number): Error {
  const text = `${perSecond} recipients a second leave no room for ${Math.ceil(waitMs / 1000)} s`
  return Object.assign(new Error(text), { name: 'SendRateExceeded' })
}
