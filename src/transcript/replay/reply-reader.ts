/** A reply as a client hears it, all of its lines. */
export interface HeardReply {
  /** Nothing where it is no reply by RFC 5321 section 4.2, or the codes of its lines differ. */
  readonly code: number | undefined
  /** The first digit of the enhanced status code, where there is one (RFC 2034). */
  readonly statusClass: string | undefined
  /** Without their ends; a byte a character. */
  readonly lines: readonly string[]
  /** Why it is no reply, where its lines do not show it. */
  readonly fault?: string
}

/** A reply that is longer than this is none. */
const mostReplyBytes = 64 * 1024
const tooLong = 'more than 64 KiB'
/** Nothing more is read while this much was read and not taken. */
const mostUntakenBytes = 512 * 1024

/** Cuts what a server says into replies. What it holds is bounded, whatever the server says. */
export class ReplyReader {
  #text = ''
  #lines: string[] = []
  #replies: HeardReply[] = []
  #untakenBytes = 0
  /** Of the reply that has begun, without the line that has not ended. */
  #replyBytes = 0

  /** What has begun and not ended yet. */
  get unfinished(): string {
    return [...this.#lines, this.#text].join('\n')
  }

  /** How many replies were read and not taken. */
  get size(): number {
    return this.#replies.length
  }

  get full(): boolean {
    return this.#untakenBytes >= mostUntakenBytes
  }

  feed(text: string): void {
    this.#untakenBytes += text.length
    const lines = (this.#text + text).split('\n')
    this.#text = lines.pop()!
    for (const line of lines) this.#add(line)
    if (this.#text.length <= mostReplyBytes) return
    this.#end(this.#text, tooLong)
    this.#text = ''
  }

  /** The next whole reply. */
  take(): HeardReply | undefined {
    const reply = this.#replies.shift()
    if (this.#replies.length === 0) this.#untakenBytes = 0
    return reply
  }

  #add(line: string): void {
    if (!line.endsWith('\r')) return this.#end(line, 'a line ends with LF alone')
    const text = line.slice(0, -1)
    this.#replyBytes += text.length
    if (this.#replyBytes > mostReplyBytes) return this.#end(text, tooLong)
    if (/^\d{3}-/.test(text)) this.#lines.push(text)
    else this.#end(text)
  }

  #end(line: string, fault?: string): void {
    this.#replies.push(replyOf([...this.#lines.splice(0), line], fault))
    this.#replyBytes = 0
  }
}

/** The replies in lines of a transcript. */
export function repliesOf(lines: readonly string[]): HeardReply[] {
  const reader = new ReplyReader()
  const replies: HeardReply[] = []
  for (const line of lines) {
    reader.feed(`${line}\r\n`)
    const reply = reader.take()
    if (reply !== undefined) replies.push(reply)
  }
  return replies
}

/** The code of a line of a reply; nothing where the line is none. */
export function replyCodeOf(line: string): number | undefined {
  const code = /^([2-5]\d{2})(?:[ -].*)?$/.exec(line)?.[1]
  return code === undefined ? undefined : Number(code)
}

function replyOf(lines: readonly string[], fault?: string): HeardReply {
  const statusClass = /^\d{3}[ -]([245])\.\d{1,3}\.\d{1,3}(?: |$)/.exec(lines[0] ?? '')?.[1]
  if (fault !== undefined) return { code: undefined, statusClass, lines, fault }
  const codes = new Set(lines.map(replyCodeOf))
  const [code] = codes.size === 1 ? codes : []
  return { code, statusClass, lines }
}
