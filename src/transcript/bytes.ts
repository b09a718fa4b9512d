/** This many equal bytes, or equal lines, in a row are written as a repeat. */
const minRepeats = 20

/** Limit of the bytes that one line may stand for. A larger value is a typing error. */
const maxBytes = 64 * 1024 * 1024

/**
 * Parses the text of a `~` line: UTF-8 with the escapes `\r \n \t \0 \\ \{ \} \xHH` and repeats such as `{600*x}`,
 * which can be nested.
 *
 * @throws Error if an escape or a repeat is invalid, or the result is larger than 64 MiB
 */
export function parseBytes(text: string): Buffer {
  const { bytes, end } = parseUntil(text, 0, '')
  if (end !== text.length) throw new Error('unmatched }; write \\} for the character')
  return bytes
}

/** Returns bytes as the text of a `~` line. Equal bytes give equal text, and `parseBytes` reads it back. */
export function printBytes(bytes: Buffer): string {
  return repeatedLines(bytes)
    .map(({ line, times }) => {
      const text = printRuns(line)
      return times < minRepeats ? text.repeat(times) : `{${times}*${text}}`
    })
    .join('')
}

/** Splits content into pieces for one `M` line each: a line with its CRLF, a run of equal lines, or an unended rest. */
export function splitContent(content: Buffer): Buffer[] {
  return repeatedLines(content).flatMap(({ line, times }) =>
    times < minRepeats
      ? Array.from({ length: times }, () => line)
      : [Buffer.concat(Array.from({ length: times }, () => line))],
  )
}

function repeatedLines(bytes: Buffer): { line: Buffer; times: number }[] {
  const runs: { line: Buffer; times: number }[] = []
  for (let start = 0; start < bytes.length; ) {
    const crlf = bytes.indexOf('\r\n', start)
    const end = crlf === -1 ? bytes.length : crlf + 2
    const line = bytes.subarray(start, end)
    const last = runs.at(-1)
    if (last?.line.equals(line)) last.times += 1
    else runs.push({ line, times: 1 })
    start = end
  }
  return runs
}

function printRuns(bytes: Buffer): string {
  let text = ''
  for (let start = 0; start < bytes.length; ) {
    let end = start + 1
    while (end < bytes.length && bytes[end] === bytes[start]) end += 1
    const letter = printByte(bytes[start]!)
    text += end - start < minRepeats ? letter.repeat(end - start) : `{${end - start}*${letter}}`
    start = end
  }
  return text
}

const escapes = new Map([
  ['r', '\r'],
  ['n', '\n'],
  ['t', '\t'],
  ['0', '\0'],
  ['\\', '\\'],
  ['{', '{'],
  ['}', '}'],
])
const letters = new Map([...escapes].map(([letter, value]) => [value.charCodeAt(0), `\\${letter}`]))

function printByte(byte: number): string {
  const escaped = letters.get(byte)
  if (escaped !== undefined) return escaped
  const printable = byte >= 0x20 && byte <= 0x7e
  return printable ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
}

function parseUntil(text: string, start: number, closing: '' | '}'): { bytes: Buffer; end: number } {
  const parts: Buffer[] = []
  let length = 0
  let at = start
  while (at < text.length && text[at] !== '}') {
    const piece =
      text[at] === '\\' ? parseEscape(text, at) : text[at] === '{' ? parseRepeat(text, at) : plain(text, at)
    parts.push(piece.bytes)
    length += piece.bytes.length
    if (length > maxBytes) throw new Error('a line is larger than 64 MiB')
    at = piece.end
  }
  if (closing !== '' && text[at] !== closing) throw new Error('unmatched {; write \\{ for the character')
  return { bytes: Buffer.concat(parts), end: at }
}

function plain(text: string, start: number): { bytes: Buffer; end: number } {
  const length = text.slice(start).search(/[\\{}]/)
  const end = length === -1 ? text.length : start + length
  return { bytes: Buffer.from(text.slice(start, end)), end }
}

function parseEscape(text: string, start: number): { bytes: Buffer; end: number } {
  const letter = text[start + 1] ?? ''
  const value = escapes.get(letter)
  if (value !== undefined) return { bytes: Buffer.from(value), end: start + 2 }
  const hex = /^[0-9a-fA-F]{2}/.exec(text.slice(start + 2, start + 4))?.[0]
  if (letter !== 'x' || hex === undefined) throw new Error(`unknown escape: ${text.slice(start, start + 4)}`)
  return { bytes: Buffer.from(hex, 'hex'), end: start + 4 }
}

function parseRepeat(text: string, start: number): { bytes: Buffer; end: number } {
  const opening = /^\{(\d{1,9})\*/.exec(text.slice(start, start + 12))
  if (opening === null) throw new Error('a repeat must be {TIMES*BYTES}; write \\{ for the character')
  const { bytes, end } = parseUntil(text, start + opening[0].length, '}')
  const times = Number(opening[1])
  if (bytes.length * times > maxBytes) throw new Error('a repeat is larger than 64 MiB')
  return { bytes: Buffer.alloc(bytes.length * times, bytes), end: end + 1 }
}
