import type { Timeouts } from './timeouts.ts'

/** Callbacks of the timers. */
export interface TimerCallbacks {
  /** True while the host is working, so that the server does not wait for the client. */
  hostBusy(): boolean
  /** The client has taken too long. */
  onTimeout(): void
}

/**
 * Times out a client that is silent, or that takes too long for one message. While the host is working, the client is
 * not timed out; if the message timer fires meanwhile, the client is timed out once the host answers.
 */
export class ClientTimers {
  readonly #timeouts: Timeouts
  readonly #callbacks: TimerCallbacks
  #idle: NodeJS.Timeout | undefined
  #message: NodeJS.Timeout | undefined
  #messageLate = false

  constructor(timeouts: Timeouts, callbacks: TimerCallbacks) {
    this.#timeouts = timeouts
    this.#callbacks = callbacks
  }

  /** Starts the idle timer, when the session begins. */
  start(): void {
    this.#idle = setTimeout(() => {
      if (!this.#callbacks.hostBusy()) this.#callbacks.onTimeout()
    }, this.#timeouts.idleMs)
  }

  /** Restarts the idle timer: the client was active, or could not be until now. */
  touch(): void {
    this.#idle?.refresh()
  }

  /** Starts or stops the message timer. @param receiving true while the content of a message is coming */
  setMessageTimer(receiving: boolean): void {
    if (receiving) {
      this.#message ??= setTimeout(() => {
        if (this.#callbacks.hostBusy()) this.#messageLate = true
        else this.#callbacks.onTimeout()
      }, this.#timeouts.messageMs)
      return
    }
    clearTimeout(this.#message)
    this.#message = undefined
    this.#messageLate = false
  }

  /** The host has answered: the client may be timed out again. */
  hostDone(): void {
    this.touch()
    if (this.#messageLate) this.#callbacks.onTimeout()
  }

  /** Stops all timers. */
  stop(): void {
    clearTimeout(this.#idle)
    this.#idle = undefined
    this.setMessageTimer(false)
  }
}
