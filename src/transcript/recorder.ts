import { piecesOf, printBytes } from './bytes.ts'
import { replyCodeOf } from './heard.ts'
import { isPlain, type Line } from './line.ts'
import { Listing } from './listing.ts'
import type { Transcript } from './notation.ts'
import { Secrets } from './secrets.ts'
import { visible } from './visible.ts'

/** How a dialogue is written down. */
export interface Recording {
  /** Write down what AUTH shows, too. */
  readonly keepCredentials: boolean
  /** TLS is up from the first byte. */
  readonly secure: boolean
}

/** More than this is not written down of one connection. */
const mostBytes = 16 * 1024 * 1024
const mostLineBytes = 64 * 1024
const mostReplyColumns = 2000
/** What bytes that come alone cost in memory. */
const leastCost = 64

/** Where the client's bytes belong to. */
type Place =
  | { readonly type: 'commands' }
  /** Granted by 354, or sent without waiting for it. */
  | { readonly type: 'content'; readonly granted: boolean }
  | { readonly type: 'chunk'; bytes: number }

/**
 * Writes down what the two sides of a connection say, as lines of a transcript: a reply stands behind all that the
 * client had said when it began. What the host was asked nobody can hear; `play --update` fills it in.
 */
export class Recorder {
  readonly #lines: Line[] = []
  readonly #secrets: Secrets | undefined
  readonly #listing = new Listing()
  readonly #implicitTls: boolean
  #secured: boolean
  #bytes = 0
  #stopped = false
  /** The client's line that has not ended yet. */
  #unended = Buffer.alloc(0)
  /** What the client has said since the last reply. */
  #said: Buffer[] = []
  #place: Place = { type: 'commands' }
  #asksForTls = false
  #upgrading = false
  #reply: string[] = []
  #replyText = ''
  #lastCode: number | undefined
  #hungUp = false
  /** How it ended is written down. */
  #over = false

  constructor({ keepCredentials, secure }: Recording) {
    this.#secrets = keepCredentials ? undefined : new Secrets()
    this.#implicitTls = secure
    this.#secured = secure
  }

  /** The server has just agreed to STARTTLS: what comes next is a handshake. */
  get upgrading(): boolean {
    return this.#upgrading
  }

  /** The client says something. */
  client(bytes: Buffer): void {
    if (!this.#hasRoomFor(bytes)) return
    let rest = bytes
    while (rest.length > 0 && !this.#stopped) {
      if (this.#place.type === 'chunk') {
        const part = rest.subarray(0, this.#place.bytes)
        this.#said.push(Buffer.from(part))
        this.#place.bytes -= part.length
        if (this.#place.bytes === 0) this.#place = { type: 'commands' }
        rest = rest.subarray(part.length)
        continue
      }
      const end = rest.indexOf('\n') + 1
      const part = end === 0 ? rest : rest.subarray(0, end)
      this.#unended = Buffer.concat([this.#unended, part])
      if (end > 0) this.#takeLine()
      else if (this.#unended.length > mostLineBytes) this.#takeLongLine()
      rest = rest.subarray(part.length)
    }
  }

  /** The server says something. */
  server(bytes: Buffer): void {
    if (!this.#hasRoomFor(bytes)) return
    const lines = (this.#replyText + bytes.toString('latin1')).split('\n')
    this.#replyText = lines.pop()!
    for (const line of lines) this.#hear(line.replace(/\r$/, ''))
    if (this.#replyText.length > mostLineBytes) this.stop('a line of a reply is longer than 64 KiB')
  }

  /** The handshake is over. */
  secured(): void {
    this.#flush()
    this.#upgrading = false
    this.#secured = true
    this.#lines.push({ type: 'notice', name: 'upgrade' }, { type: 'secured' })
  }

  /** The client says nothing more. What it still hears belongs to what it has said. */
  clientEnds(): void {
    this.#flush()
    if (isFarewell(this.#lastCode)) this.#end(close)
    else this.#hungUp = true
  }

  /** The server says nothing more. */
  serverEnds(): void {
    if (this.#replyText !== '') this.#hear(this.#replyText)
    this.#replyText = ''
    this.#end(this.#hungUp ? hangUp : close)
  }

  /** What comes from now on is not written down; why stands in the transcript. */
  stop(why: string): void {
    this.remark(why)
    this.#upgrading = false
    this.#stopped = true
  }

  /** Adds a remark. */
  remark(text: string): void {
    this.#flush()
    this.#lines.push({ type: 'remark', text: `# ${visible(text)}` })
  }

  /** Nothing was said at all. */
  get empty(): boolean {
    return this.#lines.length === 0 && this.#said.length === 0 && this.#unended.length === 0
  }

  /** What was written down. */
  transcript(about: Pick<Transcript, 'file' | 'title' | 'spec'>): Transcript {
    if (this.#hungUp) this.#end(hangUp)
    this.#flush()
    const [first] = this.#lines
    const opening: Line[] =
      first === undefined || first.type !== 'client'
        ? [{ type: 'question', about: 'connect', text: '? connect' }]
        : []
    return {
      ...about,
      conditions: this.#listing.conditions(this.#implicitTls),
      lines: [...opening, ...this.#lines],
    }
  }

  #takeLine(): void {
    const text = this.#unended.toString('latin1')
    this.#unended = Buffer.alloc(0)
    const [, line = '', end = ''] = /^(.*?)(\r?\n?)$/s.exec(text) ?? []
    const kept = this.#place.type === 'content' ? line : (this.#secrets?.hide(line) ?? line)
    this.#said.push(Buffer.from(kept + end, 'latin1'))
    if (this.#place.type === 'content') {
      if (text === '.\r\n') this.#place = { type: 'commands' }
      return
    }
    const chunkBytes = Number(/^BDAT +(\d{1,15})\b/i.exec(line)?.[1] ?? 0)
    if (chunkBytes > 0) this.#place = { type: 'chunk', bytes: chunkBytes }
    // A client that does not wait for 354 sends content at once.
    if (/^DATA\s*$/i.test(line)) this.#place = { type: 'content', granted: false }
    if (/^STARTTLS\s*$/i.test(line)) this.#asksForTls = true
  }

  /** A line of content may be as long as a mail; of another one the rest could hold a secret. */
  #takeLongLine(): void {
    if (this.#place.type === 'content') return this.#takePart()
    this.#unended = Buffer.alloc(0)
    this.stop('a line is longer than 64 KiB; the rest was not recorded')
  }

  #hear(line: string): void {
    if (this.#reply.length === 0) this.#flush()
    this.#reply.push(line)
    const text = visible(Buffer.from(line.slice(0, mostReplyColumns), 'latin1').toString())
    this.#lines.push({ type: 'reply', text })
    if (/^\d{3}-/.test(line)) return
    this.#listing.hear(this.#reply.splice(0), this.#secured)
    const code = replyCodeOf(line)
    this.#lastCode = code
    this.#secrets?.hear(code)
    if (code === 354) this.#place = { type: 'content', granted: true }
    else if (this.#place.type === 'content' && !this.#place.granted && (code ?? 0) >= 400)
      this.#place = { type: 'commands' }
    this.#upgrading = this.#asksForTls && code === 220
    if (code === 220 || (code ?? 0) >= 400) this.#asksForTls = false
  }

  /** Writes down what the client has said, but for the beginning of a line that may hold a secret. */
  #flush(atEnd = false): void {
    const text = this.#unended.toString('latin1', 0, 5).trimStart().toUpperCase()
    const mayBeSecret =
      this.#place.type === 'commands' &&
      this.#secrets !== undefined &&
      (this.#secrets.responding || 'AUTH'.startsWith(text.slice(0, 4)))
    if (this.#unended.length > 0 && (atEnd || !mayBeSecret)) this.#takePart()
    const bytes = Buffer.concat(this.#said.splice(0))
    for (const piece of piecesOf(bytes)) this.#lines.push(lineOf(piece))
  }

  /** A line that ends with the connection, or is answered before it ends. */
  #takePart(): void {
    if (this.#place.type === 'commands') return this.#takeLine()
    this.#said.push(this.#unended)
    this.#unended = Buffer.alloc(0)
  }

  #end(line: Line): void {
    if (this.#over || this.#stopped) return
    this.#flush(true)
    this.#lines.push(line)
    this.#over = true
  }

  #hasRoomFor(bytes: Buffer): boolean {
    if (this.#stopped) return false
    this.#bytes += Math.max(leastCost, bytes.length)
    if (this.#bytes > mostBytes) this.stop(`more than ${mostBytes} bytes; the rest was not recorded`)
    return !this.#stopped
  }
}

const close: Line = { type: 'notice', name: 'close' }
const hangUp: Line = { type: 'hangs up' }

/** Behind these the server closes, even where the client was faster. */
function isFarewell(code: number | undefined): boolean {
  return code === 221 || code === 421
}

function lineOf(bytes: Buffer): Line {
  const text = isPlain(bytes) ? `C: ${bytes.toString('latin1')}`.trimEnd() : `C~ ${printBytes(bytes)}`
  return { type: 'client', bytes, text }
}
