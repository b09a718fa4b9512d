/**
 * One reply of the server: a code, an enhanced status code and a text (RFC 5321 section 4.2, RFC 2034).
 * A value, never an exception: hosts return one to refuse, or to accept with their own text.
 */
export interface Reply {
  /** Three digits, 200 to 559. 4xx: a temporary failure; 5xx: a permanent failure. */
  readonly code: number
  /** `class.subject.detail` of RFC 3463, for example `5.7.1`. The greeting, EHLO, 334 and 354 have none. */
  readonly status?: string
  /**
   * For people. An array gives one reply of several lines. Line breaks become spaces, other characters than printable
   * ASCII `?`.
   */
  readonly text: string | readonly string[]
  /** The key in the `replies` table. A reply that a host makes itself has none. */
  readonly id?: string
}

/** Makes a reply that has an enhanced status code. */
export function reply(code: number, status: string, text: string): Reply {
  return { code, status, text }
}

/** True for a failure, temporary (4xx) or permanent (5xx). */
export function isFailure(reply: Reply): boolean {
  return reply.code >= 400
}

/** Octets of a reply line, CRLF included (RFC 5321 section 4.5.3.1.5). */
const lineOctets = 512

/**
 * Returns the reply as it is sent: one or more lines, each with the code and the enhanced status code, at most 512
 * octets long and ended by CRLF.
 */
export function format(reply: Reply): string {
  const status = reply.status === undefined ? '' : `${reply.status} `
  const room = lineOctets - '250 \r\n'.length - status.length
  // Most replies are one short line.
  if (typeof reply.text === 'string' && reply.text.length <= room && !/[^ -~]/.test(reply.text)) {
    return `${reply.code} ${status}${reply.text}\r\n`
  }
  const texts = typeof reply.text === 'string' ? [reply.text] : reply.text
  const lines = texts.flatMap(text => wrap(printable(text), room))
  return lines
    .map((line, i) => `${reply.code}${i < lines.length - 1 ? '-' : ' '}${status}${line}\r\n`)
    .join('')
}

function printable(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replace(/[^\x20-\x7e]/g, '?')
}

/** Cuts the text at the last space that fits, or in the middle of a word if there is none. */
function wrap(text: string, room: number): string[] {
  const lines = []
  while (text.length > room) {
    const space = text.lastIndexOf(' ', room)
    const end = space > 0 ? space : room
    lines.push(text.slice(0, end))
    text = text.slice(space > 0 ? end + 1 : end)
  }
  lines.push(text)
  return lines
}
