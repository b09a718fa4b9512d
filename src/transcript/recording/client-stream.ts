import { Secrets } from './secrets.ts'

/** Where the client's bytes belong to. */
type Place =
  | { readonly type: 'commands' }
  /** Granted by 354, or sent without waiting for it. */
  | { readonly type: 'content'; readonly granted: boolean }
  | { readonly type: 'chunk'; bytes: number }

/** More than this is no line but of content: the rest of it could hold a secret. */
const mostLineBytes = 64 * 1024

/** What a client says, told apart into commands and content, and without its secrets. */
export class ClientStream {
  readonly #secrets: Secrets | undefined
  #place: Place = { type: 'commands' }
  /** The line that has not ended yet. */
  #unended = Buffer.alloc(0)
  #said: Buffer[] = []
  #asksForTls = false
  /** Mails that had ended before 354 granted them. */
  #endedEarly = 0

  constructor(keepCredentials: boolean) {
    this.#secrets = keepCredentials ? undefined : new Secrets()
  }

  /** Nothing waits to be taken, not even a part of a line. */
  get empty(): boolean {
    return this.#said.length === 0 && this.#unended.length === 0
  }

  /** Adds what came. False where a line is too long: nothing can be made of what follows. */
  add(bytes: Buffer): boolean {
    for (let rest = bytes; rest.length > 0; ) {
      const part = this.#place.type === 'chunk' ? rest.subarray(0, this.#place.bytes) : lineIn(rest)
      if (this.#place.type === 'chunk') this.#addToChunk(part, this.#place)
      else if (!this.#addToLine(part)) return false
      rest = rest.subarray(part.length)
    }
    return true
  }

  /** What was said since the last call, but for the beginning of a line that may hold a secret, or say what follows. */
  take(): Buffer {
    if (!this.#hasToEnd()) this.#endPart()
    return Buffer.concat(this.#said.splice(0))
  }

  /** The same where nothing more will be said. */
  takeAll(): Buffer {
    this.#endPart()
    return Buffer.concat(this.#said.splice(0))
  }

  /** The server's next reply. True where it agrees to STARTTLS. */
  hear(code = 0): boolean {
    this.#secrets?.hear(code)
    if (code === 354) this.#grant()
    else if (this.#place.type === 'content' && !this.#place.granted && code >= 400)
      this.#place = { type: 'commands' }
    const upgrades = this.#asksForTls && code === 220
    if (code === 220 || code >= 400) this.#asksForTls = false
    return upgrades
  }

  /** A server's line, without what it repeats of a secret. */
  hideIn(line: string): string {
    return this.#secrets?.hideIn(line) ?? line
  }

  /** Content comes, or is over already: what came behind it is no content. */
  #grant(): void {
    if (this.#place.type === 'commands' && this.#endedEarly > 0) this.#endedEarly -= 1
    else this.#place = { type: 'content', granted: true }
  }

  #addToChunk(part: Buffer, place: Extract<Place, { type: 'chunk' }>): void {
    this.#said.push(Buffer.from(part))
    place.bytes -= part.length
    if (place.bytes === 0) this.#place = { type: 'commands' }
  }

  #addToLine(part: Buffer): boolean {
    this.#unended = Buffer.concat([this.#unended, part])
    if (part.at(-1) === 0x0a) this.#endLine()
    else if (this.#unended.length > mostLineBytes) {
      if (this.#place.type === 'commands') {
        this.#unended = Buffer.alloc(0)
        return false
      }
      this.#endPart()
    }
    return true
  }

  #endLine(): void {
    const text = this.#unended.toString('latin1')
    this.#unended = Buffer.alloc(0)
    const [, line = '', end = ''] = /^(.*?)(\r?\n?)$/s.exec(text) ?? []
    const place = this.#place
    const granted = place.type === 'content' && place.granted
    const kept = granted ? line : (this.#secrets?.hide(line, place.type === 'content') ?? line)
    this.#said.push(Buffer.from(kept + end, 'latin1'))
    if (place.type === 'content') {
      if (text !== '.\r\n') return
      if (!granted) this.#endedEarly += 1
      this.#place = { type: 'commands' }
      return
    }
    const chunkBytes = Number(/^BDAT +(\d{1,15})\b/i.exec(line)?.[1] ?? 0)
    if (chunkBytes > 0) this.#place = { type: 'chunk', bytes: chunkBytes }
    // A client that does not wait for 354 sends content at once.
    if (/^DATA\s*$/i.test(line)) this.#place = { type: 'content', granted: false }
    if (/^STARTTLS\s*$/i.test(line)) this.#asksForTls = true
  }

  /** A line that is answered before it ends, or never ends. */
  #endPart(): void {
    if (this.#unended.length === 0) return
    if (this.#place.type === 'commands') return this.#endLine()
    this.#said.push(this.#unended)
    this.#unended = Buffer.alloc(0)
  }

  /** The line that has not ended yet can be understood as a whole only. */
  #hasToEnd(): boolean {
    const place = this.#place
    if (place.type === 'chunk' || (place.type === 'content' && place.granted)) return false
    const verb = this.#unended.toString('latin1', 0, 64).trimStart().slice(0, 4).toUpperCase()
    return this.#secrets?.responding === true || telling.some(known => known.startsWith(verb))
  }
}

/** How commands begin that say what follows them. */
const telling = ['AUTH', 'BDAT', 'DATA', 'STAR']

function lineIn(bytes: Buffer): Buffer {
  const end = bytes.indexOf('\n')
  return end === -1 ? bytes : bytes.subarray(0, end + 1)
}
