import { type Clock, systemClock } from './clock.ts'
import { settlesWithin } from './timeout.ts'

/** The settings of a semaphore. */
export interface SemaphoreOptions {
  /** How many callers may wait for a permit. Without limit if left out. */
  readonly maxWaiting?: number
  /** The system clock if left out. */
  readonly clock?: Clock
}

/** Limits how many pieces of work run at the same time. Callers get their permits in the order in which they ask. */
export class Semaphore {
  readonly #maxWaiting: number
  readonly #clock: Clock
  #free: number
  readonly #waiting = new Set<() => void>()

  /** @param permits how many pieces of work may run at the same time */
  constructor(
    permits: number,
    { maxWaiting = Number.POSITIVE_INFINITY, clock = systemClock }: SemaphoreOptions = {},
  ) {
    this.#free = permits
    this.#maxWaiting = maxWaiting
    this.#clock = clock
  }

  /**
   * Waits for a permit. The caller that gets one has to give it back with `release`.
   * @param maxWaitMs milliseconds; without limit if left out
   * @returns true with a permit; false without one: at once if `maxWaiting` callers wait already, else after `maxWaitMs`
   */
  async acquire(maxWaitMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--
      return true
    }
    if (this.#waiting.size >= this.#maxWaiting) return false
    let grant = () => {}
    const granted = new Promise<void>(resolve => {
      grant = resolve
    })
    this.#waiting.add(grant)
    if (maxWaitMs === Number.POSITIVE_INFINITY) await granted
    else await settlesWithin(granted, maxWaitMs, this.#clock)
    // A caller that still waits has no permit. One that does not may have got its permit just as its time ended.
    return !this.#waiting.delete(grant)
  }

  /** Gives a permit back. It goes to the caller that has waited longest. */
  release(): void {
    const [grant] = this.#waiting
    if (grant === undefined) {
      this.#free++
      return
    }
    this.#waiting.delete(grant)
    grant()
  }
}
