/** The result of decoding: the content, and how many bytes were read. */
export interface Outcome {
  readonly content: string
  /** Bytes of content, dots unstuffed, line endings as they came. */
  readonly size: number
  readonly refused: boolean
  /** The bytes after CRLF `.` CRLF; undefined without it. */
  readonly rest: string | undefined
}

/** The rules of decoding, written simply and slowly: one after the other, over the whole text, byte by byte. */
export function readPlainly(wire: string, dots: boolean, bareNewline: 'normalize' | 'reject'): Outcome {
  const { text, rest } = dots ? unstuff(wire) : { text: wire, rest: undefined }
  const lone = /\r(?!\n)|(?<!\r)\n/.exec(text)?.index
  const refused = bareNewline === 'reject' && lone !== undefined
  const content = refused ? text.slice(0, lone) : normalize(text)
  return { content, size: text.length, refused, rest }
}

/** RFC 5321 section 4.5.2. */
function unstuff(wire: string): { text: string; rest: string | undefined } {
  let text = ''
  // The CRLF of the DATA command counts.
  let before = '\r\n'
  for (let at = 0; at < wire.length; at++) {
    const byte = wire[at]!
    if (before === '\r\n' && byte === '.') {
      if (wire.startsWith('.\r\n', at)) return { text, rest: wire.slice(at + 3) }
    } else text += byte
    before = `${before}${byte}`.slice(-2)
  }
  return { text, rest: undefined }
}

/** Replaces bare newlines by CRLF. Drops a line of a single dot after a bare newline. */
function normalize(text: string): string {
  let out = ''
  let alone = false
  for (const [whole, line, newline] of text.matchAll(/([^\r\n]*)(\r\n|\r|\n|$)/g)) {
    if (whole === '') break
    if (!(alone && line === '.' && newline !== '')) out += line + (newline === '' ? '' : '\r\n')
    alone = newline !== '\r\n'
  }
  return out
}
