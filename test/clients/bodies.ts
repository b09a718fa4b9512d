/** A content that is easily damaged in transit. */
export interface Body {
  readonly name: string
  readonly bytes: Buffer
}

const head = 'From: a@example.org\r\nTo: b@example.org\r\nSubject: test\r\n\r\n'

/** All bytes except CR and LF. */
const everyByte = Buffer.from(
  Array.from({ length: 256 }, (_, byte) => byte).filter(b => b !== 10 && b !== 13),
)

/** Bodies whose lines all end with CRLF. */
export const wholeBodies: readonly Body[] = [
  body('plain text', `${head}Hello\r\n`),
  body('8-bit bytes and NUL', head, everyByte, '\r\n', Buffer.alloc(3), '\r\n', everyByte, '\r\n'),
  body('a line of 100,000 characters', head, 'x'.repeat(100_000), '\r\n', 'y'.repeat(99_999), '\r\n'),
  body('lines that begin with dots', head, '.\r\n..\r\n...\r\n.a\r\n\r\n.\r\n.\r\nQUIT\r\n.\r\n'),
  body('a dot at the very beginning', `.\r\n.x\r\n${head}`),
  body('empty lines at both ends', `\r\n\r\n${head}\r\n\r\n\r\n`),
]

/** A body whose last line has no CRLF. Every client adds it, because SMTP cannot send such a body. */
export const unfinishedBody = body('a last line without CRLF', head, 'one\r\ntwo')

/** Returns a body of 30 MB with different blocks, 8-bit bytes and leading dots. */
export function hugeBody(): Body {
  const blocks: Buffer[] = [Buffer.from(head)]
  const size = 64 * 1024
  for (let number = 0; number * size < 30_000_000; number++) {
    const block = Buffer.alloc(size)
    for (let at = 0; at < size; at++) block[at] = 14 + ((at * 7 + number) % 242)
    for (let at = 78; at < size; at += 80) block.write('\r\n.', at, 'latin1')
    block.write('\r\n', size - 2)
    blocks.push(block)
  }
  return body('30 MB', ...blocks)
}

function body(name: string, ...parts: (string | Buffer)[]): Body {
  return { name, bytes: Buffer.concat(parts.map(part => Buffer.from(part as string, 'latin1'))) }
}
