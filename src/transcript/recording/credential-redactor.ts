/** These replace the user name and the password in a transcript. */
const placeholder = { user: 'user', password: 'secret' }

/** Number of the latest secrets that are searched for in replies. */
const maxRemembered = 8
/** A shorter secret could be part of any reply by chance. */
const minSecretLength = 4

/**
 * After AUTH, a line of one word is one of these commands or a response. A client that ignores the server's replies
 * goes on with responses.
 */
const commandOfOneWord = /^\s*(?:\.|AUTH|DATA|EHLO|EXPN|HELO|HELP|NOOP|QUIT|RSET|STARTTLS|TURN|VRFY)\s*$/i

/** AUTH, a mechanism name (RFC 4422 section 3.1), and the rest of the line, with any separators. */
const authLine = /^(\s*AUTH[^a-z\d]+)([\w-]{1,20}(?!\S))?(\s*)(.*)$/is

/**
 * Replaces the credentials of AUTH in the client's lines with placeholders. In case of doubt, what follows AUTH is
 * treated as a secret.
 */
export class CredentialRedactor {
  /** Mechanism of the latest AUTH that has not succeeded. */
  #mechanism: string | undefined
  /** Number of following lines that are responses, whatever the server replies: a client may not wait for a reply. */
  #expectedResponses = 0
  #responses = 0
  /** Number of commands without a reply yet. */
  #unanswered = 0
  /** How many of them the client sent before AUTH. */
  #repliesBeforeAuth = 0
  /** The latest secrets, in lower case. */
  readonly #remembered: string[] = []

  /** True if the next line may be a response to a challenge. */
  get awaitsResponse(): boolean {
    return this.#mechanism !== undefined || this.#expectedResponses > 0
  }

  /**
   * Returns a line of the client without credentials.
   *
   * @param line without its line ending
   * @param isContent true if it is content once the server sends 354, and a command otherwise
   */
  redactClientLine(line: string, isContent = false): string {
    if (this.#expectedResponses > 0) {
      this.#expectedResponses -= 1
      return this.#redactResponse(line)
    }
    if (this.awaitsResponse && /^\s*\S+\s*$/.test(line) && !commandOfOneWord.test(line))
      return this.#redactResponse(line)
    const [, head = '', mechanism = '', gap = '', initial = ''] = authLine.exec(line) ?? []
    if (!isContent) this.#unanswered += 1
    if (head === '') return line
    this.#repliesBeforeAuth = Math.max(0, this.#unanswered - 1)
    this.#mechanism = mechanism.toUpperCase()
    this.#responses = 0
    this.#expectedResponses = responseCounts.get(this.#mechanism) ?? Number.POSITIVE_INFINITY
    if (initial === '') return line
    this.#expectedResponses -= 1
    return head + mechanism + gap + this.#redactResponse(initial)
  }

  /** Returns a line of the server without known secrets. Some servers quote unknown commands, even in upper case. */
  redactServerLine(line: string): string {
    let shown = line
    for (const secret of this.#remembered) {
      const lowerCase = shown.toLowerCase()
      const parts: string[] = []
      let from = 0
      for (let at = lowerCase.indexOf(secret); at >= 0; at = lowerCase.indexOf(secret, from)) {
        parts.push(shown.slice(from, at))
        from = at + secret.length
      }
      shown = [...parts, shown.slice(from)].join('...')
    }
    return shown
  }

  /** Takes the code of the server's next reply. */
  onReply(code = 0): void {
    if (code === 334) {
      this.#expectedResponses = Math.max(1, this.#expectedResponses)
      return
    }
    this.#unanswered = Math.max(0, this.#unanswered - 1)
    if (code === 235) {
      this.#mechanism = undefined
      this.#expectedResponses = 0
      this.#repliesBeforeAuth = 0
    } else if (this.#repliesBeforeAuth > 0) this.#repliesBeforeAuth -= 1
    // Any other code may belong to a command before AUTH.
    else if (code >= 400) this.#expectedResponses = 0
  }

  #redactResponse(line: string): string {
    this.#responses += 1
    // The client cancels, or sends an empty response.
    if (['', '*', '='].includes(line)) return line
    this.#remember(line.trim())
    const { user, password } = placeholder
    if (this.#mechanism === 'PLAIN') return base64(`\0${user}\0${password}`)
    if (this.#mechanism === 'CRAM-MD5') return base64(`${user} ${'0'.repeat(32)}`)
    return base64(this.#mechanism === 'LOGIN' && this.#responses === 1 ? user : password)
  }

  #remember(secret: string): void {
    if (secret.length < minSecretLength) return
    this.#remembered.push(secret.toLowerCase())
    if (this.#remembered.length > maxRemembered) this.#remembered.shift()
  }
}

/** Number of responses of each mechanism. Other mechanisms have one for each challenge. */
const responseCounts = new Map([
  ['PLAIN', 1],
  ['LOGIN', 2],
  ['CRAM-MD5', 1],
])

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
