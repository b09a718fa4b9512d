import { escapeForTerminal } from '../../support/escape.ts'
import { piecesOf, printBytes } from '../bytes.ts'
import { isPlain, type Line } from '../line.ts'
import type { Transcript } from '../notation.ts'
import { replyCodeOf } from '../replay/reply-reader.ts'
import { ClientStream } from './client-stream.ts'
import { EhloListing } from './ehlo-listing.ts'

/** How a dialogue is written down. */
export interface Recording {
  /** Write down what AUTH shows, too. */
  readonly keepCredentials: boolean
  /** TLS is up from the first byte. */
  readonly secure: boolean
}

/** More than this is not written down of one connection. */
const mostBytes = 4 * 1024 * 1024
const mostReplyLineBytes = 64 * 1024
const mostReplyColumns = 2000
/** What bytes that come alone cost in memory. */
const leastCost = 64

/**
 * Writes down what the two sides of a connection say, as lines of a transcript: a reply stands behind all that the
 * client had said when it began. What the host was asked nobody can hear; `play --update` fills it in.
 */
export class Recorder {
  readonly #lines: Line[] = []
  readonly #speech: ClientStream
  readonly #listing = new EhloListing()
  readonly #implicitTls: boolean
  #secured: boolean
  #bytes = 0
  #stopped = false
  #upgrading = false
  #reply: string[] = []
  #replyText = ''
  #lastCode: number | undefined
  #hungUp = false
  /** How it ended is written down. */
  #over = false

  constructor({ keepCredentials, secure }: Recording) {
    this.#speech = new ClientStream(keepCredentials)
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
    if (!this.#speech.add(bytes)) this.stop('a line is longer than 64 KiB; the rest was not recorded')
  }

  /** The server says something. */
  server(bytes: Buffer): void {
    if (!this.#hasRoomFor(bytes)) return
    const lines = (this.#replyText + bytes.toString('latin1')).split('\n')
    this.#replyText = lines.pop()!
    for (const line of lines) this.#hear(line.replace(/\r$/, ''))
    if (this.#replyText.length > mostReplyLineBytes) this.stop('a line of a reply is longer than 64 KiB')
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
    this.#lines.push({ type: 'remark', text: `# ${escapeForTerminal(text)}` })
  }

  /** Nothing was said at all. */
  get empty(): boolean {
    return this.#lines.length === 0 && this.#speech.empty
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

  #hear(line: string): void {
    if (this.#reply.length === 0) this.#flush()
    this.#reply.push(line)
    const shown = this.#speech.hideIn(line).slice(0, mostReplyColumns)
    const text = escapeForTerminal(Buffer.from(shown, 'latin1').toString())
    this.#lines.push({ type: 'reply', text })
    if (/^\d{3}-/.test(line)) return
    this.#listing.hear(this.#reply.splice(0), this.#secured)
    const code = replyCodeOf(line)
    this.#lastCode = code
    this.#upgrading = this.#speech.hear(code)
  }

  #flush(bytes = this.#speech.take()): void {
    for (const piece of piecesOf(bytes)) this.#lines.push(lineOf(piece))
  }

  #end(line: Line): void {
    if (this.#over || this.#stopped) return
    this.#flush(this.#speech.takeAll())
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
