import type { Timeouts } from './limits.ts'

/** What a patience has to know of its connection. */
export interface Waited {
  /** The host has the word: nobody waits for the client. */
  hostHasWord(): boolean
  /** The client has taken too long. */
  expire(): void
}

/**
 * How long a client may take to say the next thing, and for the whole of a mail. While the host has the word, silence is
 * not the client's, and a mail whose time runs out is late when the host has given the word back.
 */
export class Patience {
  readonly #timeouts: Timeouts
  readonly #waited: Waited
  #silence: NodeJS.Timeout | undefined
  #message: NodeJS.Timeout | undefined
  #messageLate = false

  constructor(timeouts: Timeouts, waited: Waited) {
    this.#timeouts = timeouts
    this.#waited = waited
  }

  /** It is the client's turn for the first time. */
  begin(): void {
    this.#silence = setTimeout(() => {
      if (!this.#waited.hostHasWord()) this.#waited.expire()
    }, this.#timeouts.idleMs)
  }

  /** The client has said something, or can say something only now. */
  renew(): void {
    this.#silence?.refresh()
  }

  /** @param coming the content of a mail is on its way */
  limitMessage(coming: boolean): void {
    if (coming) {
      this.#message ??= setTimeout(() => {
        if (this.#waited.hostHasWord()) this.#messageLate = true
        else this.#waited.expire()
      }, this.#timeouts.messageMs)
      return
    }
    clearTimeout(this.#message)
    this.#message = undefined
    this.#messageLate = false
  }

  /** The host has given the word back. */
  resume(): void {
    this.renew()
    if (this.#messageLate) this.#waited.expire()
  }

  /** Nobody waits for the client any more. */
  end(): void {
    clearTimeout(this.#silence)
    this.#silence = undefined
    this.limitMessage(false)
  }
}
