import { type Clock, resolvesWithin, systemClock } from './clock.ts'

/** Lets so many calls through at once; the others wait in the order in which they came. */
export class Semaphore {
  readonly #clock: Clock
  readonly #permits: number
  #free: number
  readonly #waiting = new Set<() => void>()

  /** Without a number everybody may pass. */
  constructor(places = Number.POSITIVE_INFINITY, clock: Clock = systemClock) {
    this.#permits = places
    this.#free = places
    this.#clock = clock
  }

  /** Waits for a place, which is given back with `leave`. Rejects after `patienceMs` with the name `TooManyCalls`. */
  async acquire(patienceMs: number): Promise<void> {
    if (this.#free > 0) {
      this.#free--
      return
    }
    let admit = () => {}
    const admitted = new Promise<void>(resolve => {
      admit = resolve
    })
    this.#waiting.add(admit)
    if (await resolvesWithin(this.#clock, patienceMs, admitted)) return
    // The place may have come at the same moment.
    if (!this.#waiting.delete(admit)) return
    const text = `as many calls as are allowed (${this.#permits}) are under way`
    throw Object.assign(new Error(text), { name: 'TooManyCalls' })
  }

  release(): void {
    const [admit] = this.#waiting
    if (admit === undefined) {
      this.#free++
      return
    }
    this.#waiting.delete(admit)
    admit()
  }
}
