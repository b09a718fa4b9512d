/** How often the primary asks each worker for a sign of life. */
export const pingMs = 5_000
/** Pings in a row without an answer until a worker counts as silent (10 s), and as hung (30 s). */
const [silentPings, hungPings] = [2, 6]
/** The same for a process that has not reported `ready` yet (120 s): on a busy machine, loading the program takes long. */
const startPings = 24

/** How long a hung worker did not answer, in seconds. */
export const hungSeconds = (hungPings * pingMs) / 1000

/**
 * Knows whether a worker answers. Silence is counted in pings of the primary, not in time: while the primary itself does
 * not run (the machine sleeps, the group is stopped, no CPU is free) it sends no pings, and no worker counts as hung.
 */
export class Heartbeat {
  #unanswered = 0
  #isReady = false

  /** The process has reported `ready`. */
  ready(): void {
    this.#isReady = true
    this.#unanswered = 0
  }

  /** A ping is sent. */
  ping(): void {
    this.#unanswered++
  }

  /** The worker has sent a report. */
  answer(): void {
    this.#unanswered = 0
  }

  /** It has not answered for some time; it may only be busy. */
  get isSilent(): boolean {
    return this.#isReady && this.#unanswered > silentPings
  }

  /** It has not answered for so long that it is replaced. */
  get isHung(): boolean {
    return this.#unanswered > (this.#isReady ? hungPings : startPings)
  }
}
