import { escapeForTerminal } from '../../support/escape.ts'
import { printBytes, splitContent } from '../bytes.ts'
import { isPlainText, type Line } from '../line.ts'
import type { Transcript } from '../notation.ts'
import { replyCodeOf } from '../replay/reply-reader.ts'
import { ClientStream } from './client-stream.ts'
import { EhloFeatures } from './ehlo-features.ts'

/** How a dialogue is recorded. */
export interface RecordingOptions {
  /** Record the credentials of AUTH too. */
  readonly keepCredentials: boolean
  /** The connection uses TLS from the first byte. */
  readonly secure: boolean
}

/** Limit of the bytes that are recorded of one connection. */
const maxBytes = 4 * 1024 * 1024
const maxReplyLineBytes = 64 * 1024
const maxReplyColumns = 2000
/** Each chunk counts as at least this many bytes, because a small chunk takes about as much memory. */
const minChunkCost = 64

/**
 * Records both sides of a connection as lines of a transcript. A reply comes after everything that the client had sent
 * when the reply began. The questions to the host cannot be seen from outside: `play --update` adds them.
 */
export class Recorder {
  readonly #lines: Line[] = []
  readonly #clientStream: ClientStream
  readonly #features = new EhloFeatures()
  readonly #implicitTls: boolean
  #secured: boolean
  #bytes = 0
  #stopped = false
  #upgrading = false
  #reply: string[] = []
  #replyText = ''
  #lastCode: number | undefined
  #clientEnded = false
  /** True after the end of the connection was recorded. */
  #ended = false

  constructor({ keepCredentials, secure }: RecordingOptions) {
    this.#clientStream = new ClientStream(keepCredentials)
    this.#implicitTls = secure
    this.#secured = secure
  }

  /** True if the server has just accepted STARTTLS, so that a TLS handshake follows. */
  get upgrading(): boolean {
    return this.#upgrading
  }

  /** Records bytes of the client. */
  onClientData(bytes: Buffer): void {
    if (!this.#hasRoomFor(bytes)) return
    if (!this.#clientStream.add(bytes)) this.stop('a line is longer than 64 KiB; the rest was not recorded')
  }

  /** Records bytes of the server. */
  onServerData(bytes: Buffer): void {
    if (!this.#hasRoomFor(bytes)) return
    const lines = (this.#replyText + bytes.toString('latin1')).split('\n')
    this.#replyText = lines.pop()!
    for (const line of lines) this.#addReplyLine(line.replace(/\r$/, ''))
    if (this.#replyText.length > maxReplyLineBytes) this.stop('a line of a reply is longer than 64 KiB')
  }

  /** Records that TLS is established. */
  tlsEstablished(): void {
    this.#flush()
    this.#upgrading = false
    this.#secured = true
    this.#lines.push({ type: 'action', name: 'upgrade' }, { type: 'secured' })
  }

  /** Records that the client closed its side. Replies that follow still belong to what it has sent. */
  clientEnds(): void {
    this.#flush()
    if (announcesClose(this.#lastCode)) this.#end(close)
    else this.#clientEnded = true
  }

  /** Records that the server closed its side. */
  serverEnds(): void {
    if (this.#replyText !== '') this.#addReplyLine(this.#replyText)
    this.#replyText = ''
    this.#end(this.#clientEnded ? disconnect : close)
  }

  /** Stops recording, with the reason as a comment in the transcript. */
  stop(reason: string): void {
    this.remark(reason)
    this.#upgrading = false
    this.#stopped = true
  }

  /** Adds a comment. */
  remark(text: string): void {
    this.#flush()
    this.#lines.push({ type: 'remark', text: `# ${escapeForTerminal(text)}` })
  }

  /** True if neither side has sent anything. */
  get isEmpty(): boolean {
    return this.#lines.length === 0 && this.#clientStream.isEmpty
  }

  /** Returns the recorded transcript. */
  transcript(about: Pick<Transcript, 'file' | 'title' | 'spec'>): Transcript {
    if (this.#clientEnded) this.#end(disconnect)
    this.#flush()
    const [first] = this.#lines
    const opening: Line[] =
      first === undefined || first.type !== 'client'
        ? [{ type: 'question', about: 'connect', text: '? connect' }]
        : []
    return {
      ...about,
      conditions: this.#features.conditions(this.#implicitTls),
      lines: [...opening, ...this.#lines],
    }
  }

  #addReplyLine(line: string): void {
    if (this.#reply.length === 0) this.#flush()
    this.#reply.push(line)
    const shown = this.#clientStream.redactServerLine(line).slice(0, maxReplyColumns)
    const text = escapeForTerminal(Buffer.from(shown, 'latin1').toString())
    this.#lines.push({ type: 'reply', text })
    if (/^\d{3}-/.test(line)) return
    this.#features.onReply(this.#reply.splice(0), this.#secured)
    const code = replyCodeOf(line)
    this.#lastCode = code
    this.#upgrading = this.#clientStream.onReply(code)
  }

  #flush(bytes = this.#clientStream.take()): void {
    for (const piece of splitContent(bytes)) this.#lines.push(clientLine(piece))
  }

  #end(line: Line): void {
    if (this.#ended || this.#stopped) return
    this.#flush(this.#clientStream.takeAll())
    this.#lines.push(line)
    this.#ended = true
  }

  #hasRoomFor(bytes: Buffer): boolean {
    if (this.#stopped) return false
    this.#bytes += Math.max(minChunkCost, bytes.length)
    if (this.#bytes > maxBytes) this.stop(`more than ${maxBytes} bytes; the rest was not recorded`)
    return !this.#stopped
  }
}

const close: Line = { type: 'action', name: 'close' }
const disconnect: Line = { type: 'hangs up' }

/** Returns true for codes after which the server closes, even if the client closed first. */
function announcesClose(code: number | undefined): boolean {
  return code === 221 || code === 421
}

function clientLine(bytes: Buffer): Line {
  const text = isPlainText(bytes) ? `C: ${bytes.toString('latin1')}`.trimEnd() : `C~ ${printBytes(bytes)}`
  return { type: 'client', bytes, text }
}
