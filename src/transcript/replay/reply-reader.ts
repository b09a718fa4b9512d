/** A reply as a client receives it, with all of its lines. */
export interface ParsedReply {
  /** The reply code. Undefined if the text is no reply by RFC 5321 section 4.2, or the codes of its lines differ. */
  readonly code: number | undefined
  /** The first digit of the enhanced status code (RFC 2034), if there is one. */
  readonly statusClass: string | undefined
  /** The lines without their line endings, each byte as one character. */
  readonly lines: readonly string[]
  /** Why it is no reply, if the lines do not show the reason. */
  readonly error?: string
}

/** Longest reply that is accepted. */
const maxReplyBytes = 64 * 1024
const tooLong = 'more than 64 KiB'
/** The caller must stop feeding bytes while this many are buffered. */
const maxBufferedBytes = 512 * 1024

/** Splits the bytes of a server into replies. Its memory is bounded, whatever the server sends. */
export class ReplyReader {
  #text = ''
  #lines: string[] = []
  #replies: ParsedReply[] = []
  #bufferedBytes = 0
  /** Size of the incomplete reply, without its incomplete line. */
  #replyBytes = 0

  /** The text of the incomplete reply. */
  get unfinished(): string {
    return [...this.#lines, this.#text].join('\n')
  }

  /** Number of complete replies that were not taken yet. */
  get replyCount(): number {
    return this.#replies.length
  }

  get isFull(): boolean {
    return this.#bufferedBytes >= maxBufferedBytes
  }

  feed(text: string): void {
    this.#bufferedBytes += text.length
    const lines = (this.#text + text).split('\n')
    this.#text = lines.pop()!
    for (const line of lines) this.#add(line)
    if (this.#text.length <= maxReplyBytes) return
    this.#end(this.#text, tooLong)
    this.#text = ''
  }

  /** Removes and returns the next complete reply. */
  take(): ParsedReply | undefined {
    const reply = this.#replies.shift()
    if (this.#replies.length === 0) this.#bufferedBytes = 0
    return reply
  }

  #add(line: string): void {
    if (!line.endsWith('\r')) return this.#end(line, 'a line ends with a bare LF')
    const text = line.slice(0, -1)
    this.#replyBytes += text.length
    if (this.#replyBytes > maxReplyBytes) return this.#end(text, tooLong)
    if (/^\d{3}-/.test(text)) this.#lines.push(text)
    else this.#end(text)
  }

  #end(line: string, error?: string): void {
    this.#replies.push(parsedReply([...this.#lines.splice(0), line], error))
    this.#replyBytes = 0
  }
}

/** Returns the replies in lines of a transcript. */
export function repliesOf(lines: readonly string[]): ParsedReply[] {
  const reader = new ReplyReader()
  const replies: ParsedReply[] = []
  for (const line of lines) {
    reader.feed(`${line}\r\n`)
    const reply = reader.take()
    if (reply !== undefined) replies.push(reply)
  }
  return replies
}

/** Returns the code of a reply line, or undefined if it is no reply line. */
export function replyCodeOf(line: string): number | undefined {
  const code = /^([2-5]\d{2})(?:[ -].*)?$/.exec(line)?.[1]
  return code === undefined ? undefined : Number(code)
}

function parsedReply(lines: readonly string[], error?: string): ParsedReply {
  const statusClass = /^\d{3}[ -]([245])\.\d{1,3}\.\d{1,3}(?: |$)/.exec(lines[0] ?? '')?.[1]
  if (error !== undefined) return { code: undefined, statusClass, lines, error }
  const codes = new Set(lines.map(replyCodeOf))
  const [code] = codes.size === 1 ? codes : []
  return { code, statusClass, lines }
}
