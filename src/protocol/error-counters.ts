import type { Limits } from './settings.ts'

/** What follows from an error: nothing but its reply (`reply`), a pause before the reply (`pause`), or the end (`close`). */
export type ErrorConsequence = 'reply' | 'pause' | 'close'

/**
 * Counts the errors of a client since its latest accepted message, and what counts as an error beyond a limit of its own.
 * Postfix has the same limits (`smtpd_soft_error_limit`, `smtpd_hard_error_limit`, `smtpd_junk_command_limit`).
 */
export class ErrorCounters {
  readonly #limits: Limits
  #errors = 0
  #junkCommands = 0
  #smallChunks = 0
  #refusals = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Counts an error. `close` at `hardErrorLimit`, `pause` beyond `softErrorLimit`. */
  countError(): ErrorConsequence {
    const { hardErrorLimit, softErrorLimit } = this.#limits
    this.#errors++
    if (this.#errors >= hardErrorLimit) return 'close'
    return this.#errors > softErrorLimit ? 'pause' : 'reply'
  }

  /** Counts a reply that refuses something. Returns true if it reaches the limit. */
  countRefusal(): boolean {
    return ++this.#refusals >= this.#limits.refusals
  }

  /** Counts a command that moves no message. Beyond the limit it is an error; returns true if that closes. */
  countJunkCommand(): boolean {
    return ++this.#junkCommands > this.#limits.junkCommands && this.countError() === 'close'
  }

  /** Counts a chunk of a few octets. Beyond the limit it is an error; returns true if that closes. */
  countSmallChunk(): boolean {
    return ++this.#smallChunks > this.#limits.smallChunks && this.countError() === 'close'
  }

  /** Forgets earlier errors after an accepted message, because long-lived connections gather a few. */
  reset(): void {
    this.#errors = 0
    this.#junkCommands = 0
    this.#smallChunks = 0
    this.#refusals = 0
  }
}
