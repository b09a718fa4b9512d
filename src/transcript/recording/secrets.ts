/** What stands in a transcript in place of a name and a password. */
const placeholder = { user: 'user', password: 'secret' }

/** As many of the latest secrets are looked for in replies. */
const mostRemembered = 8
/** What is shorter could stand in any reply. */
const leastRemembered = 4

/** A single word behind AUTH is one of these, or perhaps a response: a client that does not listen goes on with it. */
const commandOfOneWord = /^\s*(?:\.|AUTH|DATA|EHLO|EXPN|HELO|HELP|NOOP|QUIT|RSET|STARTTLS|TURN|VRFY)\s*$/i

/** AUTH, its mechanism if it is one by RFC 4422 section 3.1, and what else there is, whatever divides them. */
const authLine = /^(\s*AUTH[^a-z\d]+)([\w-]{1,20}(?!\S))?(\s*)(.*)$/is

/**
 * Follows the client's side of a dialogue and puts placeholders where AUTH shows who logs in, and how. In doubt, what
 * comes behind AUTH is a secret.
 */
export class Secrets {
  /** Of the latest AUTH that was not granted. */
  #mechanism: string | undefined
  /** How many lines are responses whatever the server says, since a client may not wait for it. */
  #expected = 0
  #given = 0
  /** Commands that have no reply yet, and how many of them came before AUTH. */
  #unanswered = 0
  #ahead = 0
  /** The latest secrets, in small letters. */
  readonly #remembered: string[] = []

  /** The next line may be a response to a challenge. */
  get responding(): boolean {
    return this.#mechanism !== undefined || this.#expected > 0
  }

  /**
   * A line of the client, without its end; returns what may be kept of it.
   * @param isContent it is content if the server agrees, and a command if not
   */
  hide(line: string, isContent = false): string {
    if (this.#expected > 0) {
      this.#expected -= 1
      return this.#response(line)
    }
    if (this.responding && /^\s*\S+\s*$/.test(line) && !commandOfOneWord.test(line))
      return this.#response(line)
    const [, head = '', mechanism = '', gap = '', initial = ''] = authLine.exec(line) ?? []
    if (!isContent) this.#unanswered += 1
    if (head === '') return line
    this.#ahead = Math.max(0, this.#unanswered - 1)
    this.#mechanism = mechanism.toUpperCase()
    this.#given = 0
    this.#expected = responses.get(this.#mechanism) ?? Number.POSITIVE_INFINITY
    if (initial === '') return line
    this.#expected -= 1
    return head + mechanism + gap + this.#response(initial)
  }

  /** A line of the server, without what it repeats of a secret: some quote what they do not understand, perhaps in capitals. */
  hideIn(line: string): string {
    let shown = line
    for (const secret of this.#remembered) {
      const small = shown.toLowerCase()
      const kept: string[] = []
      let from = 0
      for (let at = small.indexOf(secret); at >= 0; at = small.indexOf(secret, from)) {
        kept.push(shown.slice(from, at))
        from = at + secret.length
      }
      shown = [...kept, shown.slice(from)].join('...')
    }
    return shown
  }

  /** The server's next reply. */
  hear(code = 0): void {
    if (code === 334) {
      this.#expected = Math.max(1, this.#expected)
      return
    }
    this.#unanswered = Math.max(0, this.#unanswered - 1)
    if (code === 235) {
      this.#mechanism = undefined
      this.#expected = 0
      this.#ahead = 0
    } else if (this.#ahead > 0) this.#ahead -= 1
    // Any other code may belong to a command ahead of AUTH.
    else if (code >= 400) this.#expected = 0
  }

  #response(line: string): string {
    this.#given += 1
    // Cancelled, or empty.
    if (['', '*', '='].includes(line)) return line
    this.#remember(line.trim())
    const { user, password } = placeholder
    if (this.#mechanism === 'PLAIN') return base64(`\0${user}\0${password}`)
    if (this.#mechanism === 'CRAM-MD5') return base64(`${user} ${'0'.repeat(32)}`)
    return base64(this.#mechanism === 'LOGIN' && this.#given === 1 ? user : password)
  }

  #remember(secret: string): void {
    if (secret.length < leastRemembered) return
    this.#remembered.push(secret.toLowerCase())
    if (this.#remembered.length > mostRemembered) this.#remembered.shift()
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
