/** Milliseconds between two pings of the primary to each worker. */
export const pingMs = 5_000
/** Pings in a row without an answer after which a worker counts as silent (10 s), and as hung (30 s). */
const [silentPings, hungPings] = [2, 6]
/** The same for a process that has not sent `ready` yet (120 s): on a busy machine, loading the program takes long. */
const startPings = 24

/** Seconds for which a hung worker has not answered. */
export const hungSeconds = (hungPings * pingMs) / 1000

/**
 * Decides whether a worker answers. It counts pings of the primary, not time: while the primary itself does not run (the
 * machine sleeps, the process group is stopped, no CPU is free), it sends no pings, and no worker counts as hung.
 */
export class Heartbeat {
  #unanswered = 0
  #isReady = false

  /** The process has sent `ready`. */
  ready(): void {
    this.#isReady = true
    this.#unanswered = 0
  }

  /** A ping is sent. */
  ping(): void {
    this.#unanswered++
  }

  /** The worker has sent a message. */
  answer(): void {
    this.#unanswered = 0
  }

  /** True if the worker has not answered for some time. It may only be busy. */
  get isSilent(): boolean {
    return this.#isReady && this.#unanswered > silentPings
  }

  /** True if the worker has not answered for so long that it must be replaced. */
  get isHung(): boolean {
    return this.#unanswered > (this.#isReady ? hungPings : startPings)
  }
}
