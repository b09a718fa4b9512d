import { CredentialRedactor } from './credential-redactor.ts'

/** What the next bytes of the client are. */
type StreamState =
  | { readonly type: 'commands' }
  /** Content after DATA. `granted` is false while the server has not sent 354 yet. */
  | { readonly type: 'content'; readonly granted: boolean }
  | { readonly type: 'chunk'; bytes: number }

/** Longest command line. The rest of a longer line could contain a secret, so it is not recorded. */
const maxLineBytes = 64 * 1024

/** Splits the bytes of a client into commands and content, and removes credentials from them. */
export class ClientStream {
  readonly #redactor: CredentialRedactor | undefined
  #state: StreamState = { type: 'commands' }
  /** The incomplete line. */
  #partialLine = Buffer.alloc(0)
  #output: Buffer[] = []
  #sentStartTls = false
  /** Messages whose content ended before the server sent 354 for it. */
  #endedEarly = 0

  constructor(keepCredentials: boolean) {
    this.#redactor = keepCredentials ? undefined : new CredentialRedactor()
  }

  /** True if there is nothing to take, not even an incomplete line. */
  get isEmpty(): boolean {
    return this.#output.length === 0 && this.#partialLine.length === 0
  }

  /** Adds bytes of the client. Returns false if a command line is too long, so that the rest cannot be parsed. */
  add(bytes: Buffer): boolean {
    for (let rest = bytes; rest.length > 0; ) {
      const part = this.#state.type === 'chunk' ? rest.subarray(0, this.#state.bytes) : lineIn(rest)
      if (this.#state.type === 'chunk') this.#addToChunk(part, this.#state)
      else if (!this.#addToLine(part)) return false
      rest = rest.subarray(part.length)
    }
    return true
  }

  /**
   * Returns the bytes since the last call. The beginning of a line stays if the line may contain a secret, or decides
   * how the following bytes are parsed.
   */
  take(): Buffer {
    if (!this.#mustWaitForLineEnd()) this.#endPart()
    return Buffer.concat(this.#output.splice(0))
  }

  /** Returns all bytes since the last call. For the end of the connection. */
  takeAll(): Buffer {
    this.#endPart()
    return Buffer.concat(this.#output.splice(0))
  }

  /** Takes the code of the server's next reply. Returns true if it accepts STARTTLS. */
  onReply(code = 0): boolean {
    this.#redactor?.onReply(code)
    if (code === 354) this.#startContent()
    else if (this.#state.type === 'content' && !this.#state.granted && code >= 400)
      this.#state = { type: 'commands' }
    const upgrades = this.#sentStartTls && code === 220
    if (code === 220 || code >= 400) this.#sentStartTls = false
    return upgrades
  }

  /** Returns a line of the server without the secrets that it repeats. */
  redactServerLine(line: string): string {
    return this.#redactor?.redactServerLine(line) ?? line
  }

  /** Handles 354. The content follows, or has ended already if the client did not wait. */
  #startContent(): void {
    if (this.#state.type === 'commands' && this.#endedEarly > 0) this.#endedEarly -= 1
    else this.#state = { type: 'content', granted: true }
  }

  #addToChunk(part: Buffer, state: Extract<StreamState, { type: 'chunk' }>): void {
    this.#output.push(Buffer.from(part))
    state.bytes -= part.length
    if (state.bytes === 0) this.#state = { type: 'commands' }
  }

  #addToLine(part: Buffer): boolean {
    this.#partialLine = Buffer.concat([this.#partialLine, part])
    if (part.at(-1) === 0x0a) this.#endLine()
    else if (this.#partialLine.length > maxLineBytes) {
      if (this.#state.type === 'commands') {
        this.#partialLine = Buffer.alloc(0)
        return false
      }
      this.#endPart()
    }
    return true
  }

  #endLine(): void {
    const text = this.#partialLine.toString('latin1')
    this.#partialLine = Buffer.alloc(0)
    const [, line = '', end = ''] = /^(.*?)(\r?\n?)$/s.exec(text) ?? []
    const state = this.#state
    const granted = state.type === 'content' && state.granted
    const shown = granted ? line : (this.#redactor?.redactClientLine(line, state.type === 'content') ?? line)
    this.#output.push(Buffer.from(shown + end, 'latin1'))
    if (state.type === 'content') {
      if (text !== '.\r\n') return
      if (!granted) this.#endedEarly += 1
      this.#state = { type: 'commands' }
      return
    }
    const chunkBytes = Number(/^BDAT +(\d{1,15})\b/i.exec(line)?.[1] ?? 0)
    if (chunkBytes > 0) this.#state = { type: 'chunk', bytes: chunkBytes }
    // A client that does not wait for 354 sends the content immediately.
    if (/^DATA\s*$/i.test(line)) this.#state = { type: 'content', granted: false }
    if (/^STARTTLS\s*$/i.test(line)) this.#sentStartTls = true
  }

  /** Passes on an incomplete line: the server replied before its end, or the connection ended. */
  #endPart(): void {
    if (this.#partialLine.length === 0) return
    if (this.#state.type === 'commands') return this.#endLine()
    this.#output.push(this.#partialLine)
    this.#partialLine = Buffer.alloc(0)
  }

  /** Returns true if the incomplete line can only be parsed as a whole. */
  #mustWaitForLineEnd(): boolean {
    const state = this.#state
    if (state.type === 'chunk' || (state.type === 'content' && state.granted)) return false
    const verb = this.#partialLine.toString('latin1', 0, 64).trimStart().slice(0, 4).toUpperCase()
    return this.#redactor?.awaitsResponse === true || modeCommands.some(command => command.startsWith(verb))
  }
}

/** The first four letters of commands that change how the following bytes are parsed. */
const modeCommands = ['AUTH', 'BDAT', 'DATA', 'STAR']

function lineIn(bytes: Buffer): Buffer {
  const end = bytes.indexOf('\n')
  return end === -1 ? bytes : bytes.subarray(0, end + 1)
}
