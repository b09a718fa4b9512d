/** Milliseconds for which connections go on in one iteration of the event loop: a slice. */
const sliceMs = 5
/** A slice after a connection was accepted: Node.js accepts one for each address in an iteration, and more may wait. */
const shortSliceMs = 0.5

/**
 * Connections that have had their turn and have more to do. They go on in the order in which they came, for a few
 * milliseconds in each iteration of the event loop: in between, new connections are accepted and other clients are read.
 */
export class TurnQueue {
  readonly #waiting: (() => void)[] = []
  #scheduled = false
  #sliceMs = sliceMs

  /** A connection was accepted: the next slice is a short one. */
  shorten(): void {
    this.#sliceMs = shortSliceMs
  }

  /** Adds a connection to the end. @param goOn called once, in a later iteration of the event loop */
  add(goOn: () => void): void {
    this.#waiting.push(goOn)
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
    // Those that are added meanwhile have had their turn.
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
