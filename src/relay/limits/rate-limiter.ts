import { type Clock, systemClock } from '../../support/clock.ts'

/** The size of the bucket: after a pause, as much may be sent at once as could have been sent in this time. */
const bucketMs = 1000

/**
 * A token bucket of recipients: on average `perSecond`, and at once as many as one second allows. Calls are made in the
 * order in which they ask. A call with more recipients than the bucket holds is made when the bucket is full, and the calls
 * after it wait until its recipients are paid for.
 */
export class RateLimiter {
  /** Recipients per second; 0 means no limit. */
  perSecond: number
  readonly #clock: Clock
  /** When the bucket will be full if no more calls are made. */
  #fullAt = Number.NEGATIVE_INFINITY

  constructor(perSecond = 0, clock: Clock = systemClock) {
    this.perSecond = perSecond
    this.#clock = clock
  }

  /**
   * Waits until a call for this number of recipients may be made. If that would take longer than `maxWaitMs`, takes nothing
   * from the bucket.
   * @throws Error of the name `SendRateExceeded`, at once, if it would take longer than `maxWaitMs`
   */
  async acquire(recipients: number, maxWaitMs: number): Promise<void> {
    if (this.perSecond <= 0) return
    const now = this.#clock.now()
    const costMs = (recipients * 1000) / this.perSecond
    const waitMs = this.#fullAt - now - bucketMs + Math.min(costMs, bucketMs)
    if (waitMs > Math.max(0, maxWaitMs)) throw exceeded(this.perSecond, waitMs)
    this.#fullAt = Math.max(this.#fullAt, now) + costMs
    if (waitMs > 0) await this.#clock.sleep(waitMs)
  }
}

function exceeded(perSecond: number, waitMs: number): Error {
  const text = `the limit of ${perSecond} recipients per second is used up for the next ${Math.ceil(waitMs / 1000)} s`
  return Object.assign(new Error(text), { name: 'SendRateExceeded' })
}
