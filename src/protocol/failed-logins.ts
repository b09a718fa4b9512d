/** Characters that are kept of a user name; longer names that begin alike count as one. */
const keptCharacters = 64

/**
 * Counts the attempts to log in that have failed in one session. Many clients try every mechanism that is offered with one
 * wrong password, Python's smtplib among them. So the same user name with another mechanism is still the same attempt,
 * until a mechanism comes again. A client that guesses gains at most as many guesses an attempt as there are mechanisms.
 */
export class FailedLogins {
  #attempts = 0
  /** Of the latest attempt. */
  #username: string | undefined
  /** That have failed in the latest attempt. */
  readonly #mechanisms = new Set<string>()

  /** Including the latest one. */
  get attempts(): number {
    return this.#attempts
  }

  /** Counts a failure; true if it begins a new attempt. */
  add(mechanism: string, username: string): boolean {
    const kept = copyOf(username.slice(0, keptCharacters))
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

/** A part of a string keeps the whole of it in memory, a copy does not. */
function copyOf(text: string): string {
  return Buffer.from(text).toString()
}
