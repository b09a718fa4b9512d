/** Milliseconds for which connections go on in one iteration of the event loop. */
const sliceMs = 5

/**
 * Connections that have had their turn and have more to do. They go on in the order in which they came, for a few
 * milliseconds in each iteration of the event loop: in between, new connections are accepted and other clients are read.
 * Node.js accepts one connection for each address in an iteration, so that long ones would keep new clients waiting.
 */
export class TurnQueue {
  readonly #waiting: (() => void)[] = []
  #scheduled = false

  /** @param goOn is called once, in a later iteration of the event loop */
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
    const until = performance.now() + sliceMs
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
