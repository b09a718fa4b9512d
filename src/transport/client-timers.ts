import type { Timeouts } from './timeouts.ts'

/** What a patience has to know of its connection. */
export interface TimerCallbacks {
  /** The host has the word: nobody waits for the client. */
  hostBusy(): boolean
  /** The client has taken too long. */
  onTimeout(): void
}

/**
 * How long a client may take to say the next thing, and for the whole of a mail. While the host has the word, silence is
 * not the client's, and a mail whose time runs out is late when the host has given the word back.
 */
export class ClientTimers {
  readonly #timeouts: Timeouts
  readonly #callbacks: TimerCallbacks
  #silence: NodeJS.Timeout | undefined
  #message: NodeJS.Timeout | undefined
  #messageLate = false

  constructor(timeouts: Timeouts, waited: TimerCallbacks) {
    this.#timeouts = timeouts
    this.#callbacks = waited
  }

  /** It is the client's turn for the first time. */
  start(): void {
    this.#silence = setTimeout(() => {
      if (!this.#callbacks.hostBusy()) this.#callbacks.onTimeout()
    }, this.#timeouts.idleMs)
  }

  /** The client has said something, or can say something only now. */
  touch(): void {
    this.#silence?.refresh()
  }

  /** @param coming the content of a mail is on its way */
  setMessageTimer(coming: boolean): void {
    if (coming) {
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

  /** The host has given the word back. */
  hostDone(): void {
    this.touch()
    if (this.#messageLate) this.#callbacks.onTimeout()
  }

  /** Nobody waits for the client any more. */
  stop(): void {
    clearTimeout(this.#silence)
    this.#silence = undefined
    this.setMessageTimer(false)
  }
}
