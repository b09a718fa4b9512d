import { detached } from './grammar.ts'

/** Characters that are kept of a user name. Longer names with the same beginning count as one. */
const keptCharacters = 64

/**
 * Counts the failed login attempts of one session. One attempt is one user name with each mechanism at most once: many
 * clients, Python's smtplib among them, try every offered mechanism with the same wrong password. A client that guesses
 * passwords has at most one guess for each mechanism in an attempt.
 */
export class FailedLogins {
  #attempts = 0
  /** The user name of the latest attempt. */
  #username: string | undefined
  /** The mechanisms that have failed in the latest attempt. */
  readonly #mechanisms = new Set<string>()

  /** Failed attempts, the latest one included. */
  get attempts(): number {
    return this.#attempts
  }

  /** Counts a failure. Returns true if it begins a new attempt. */
  add(mechanism: string, username: string): boolean {
    const kept = detached(username.slice(0, keptCharacters))
    const isNew = kept !== this.#username || this.#mechanisms.has(mechanism)
    if (isNew) {
      this.#attempts++
      this.#username = kept
      this.#mechanisms.clear()
    }
    this.#mechanisms.add(mechanism)
    return isNew
  }
}
