/** What stands in a transcript in place of a name and a password. */
const placeholder = { user: 'user', password: 'secret' }

/**
 * Follows the client's side of a dialogue and puts placeholders where AUTH shows who logs in, and how. In doubt, what
 * comes behind AUTH is a secret.
 */
export class Secrets {
  #mechanism = ''
  /** How many lines are responses whatever the server says, since a client may not wait for it. */
  #expected = 0
  #given = 0
  /** Commands that have no reply yet, and how many of them came before AUTH. */
  #unanswered = 0
  #ahead = 0

  /** The next line is, or may be, a response to a challenge. */
  get responding(): boolean {
    return this.#expected > 0
  }

  /** A line of the client that is no content, without its end; returns what may be kept of it. */
  hide(line: string): string {
    if (this.#expected > 0) {
      this.#expected -= 1
      return this.#response(line)
    }
    const [, head = '', mechanism = '', gap = '', initial = ''] =
      /^(\s*AUTH\s+)(\S*)(\s*)(.*)$/is.exec(line) ?? []
    this.#unanswered += 1
    if (head === '') return line
    this.#ahead = this.#unanswered - 1
    this.#mechanism = mechanism.toUpperCase()
    this.#given = 0
    this.#expected = responses.get(this.#mechanism) ?? Number.POSITIVE_INFINITY
    if (initial === '') return line
    this.#expected -= 1
    return head + mechanism + gap + this.#response(initial)
  }

  /** The server's next reply. */
  hear(code = 0): void {
    if (code === 334) {
      this.#expected = Math.max(1, this.#expected)
      return
    }
    this.#unanswered = Math.max(0, this.#unanswered - 1)
    if (this.#ahead > 0) this.#ahead -= 1
    // Any other code may belong to a command ahead of AUTH.
    else if (code === 235 || code >= 400) this.#expected = 0
  }

  #response(line: string): string {
    this.#given += 1
    // Cancelled, or empty.
    if (['', '*', '='].includes(line)) return line
    const { user, password } = placeholder
    if (this.#mechanism === 'PLAIN') return base64(`\0${user}\0${password}`)
    if (this.#mechanism === 'CRAM-MD5') return base64(`${user} ${'0'.repeat(32)}`)
    return base64(this.#mechanism === 'LOGIN' && this.#given === 1 ? user : password)
  }
}

/** How many responses a login has; of any other mechanism as many as there are challenges. */
const responses = new Map([
  ['PLAIN', 1],
  ['LOGIN', 2],
  ['CRAM-MD5', 1],
])

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
