/** A slice: milliseconds for which waiting connections run in one iteration of the event loop. */
const sliceMs = 5
/** A slice after a connection was accepted: Node.js accepts one per address and iteration, and more may wait. */
const shortSliceMs = 0.5

/**
 * Connections that have yielded and have more to do. They run in their order, for a few milliseconds in each
 * iteration of the event loop. In between, new connections are accepted and other clients are read.
 */
export class TurnQueue {
  readonly #waiting: (() => void)[] = []
  #scheduled = false
  #sliceMs = sliceMs

  /** Makes the next slice a short one, because a connection was accepted. */
  shorten(): void {
    this.#sliceMs = shortSliceMs
  }

  /** Adds a connection to the end. @param run called once, in a later iteration of the event loop */
  add(run: () => void): void {
    this.#waiting.push(run)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#run()
    })
  }

  #run(): void {
    // Connections that are added meanwhile run in the next slice.
    const end = this.#waiting.length
    const until = performance.now() + this.#sliceMs
    this.#sliceMs = sliceMs
    let next = 0
    try {
      do this.#waiting[next++]!()
      while (next < end && performance.now() < until)
    } finally {
      this.#waiting.splice(0, next)
      if (this.#waiting.length > 0) this.#schedule()
    }
  }
}
