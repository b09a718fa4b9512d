import type fc from 'fast-check'
import { bytesFrom } from '../support/chunked-bytes.ts'

/** Generates commands and malformed input, weighted so that long dialogues make progress. */
export const dialogue: fc.Arbitrary<Buffer> = bytesFrom(
  [
    'EHLO c.test\r\n',
    'HELO c.test\r\n',
    'MAIL FROM:<a@s.test>\r\n',
    'RCPT TO:<b@r.test>\r\n',
    'DATA\r\n',
    'text\r\n',
    '\r\n.\r\n',
    '.\r\n',
    '..\r\n',
    '\n.\r\n',
    '\r\n.\n',
    '\r.\r',
    '\r',
    '\n',
    '\r\n',
    'RSET\r\n',
    'NOOP\r\n',
    'QUIT\r\n',
    'STARTTLS\r\n',
    'AUTH PLAIN\r\n',
    'AUTH LOGIN\r\n',
    'AUTH CRAM-MD5\r\n',
    'AUTH PLAIN AHUAcA==\r\n',
    'dGltIDE=\r\n',
    '*\r\n',
    'VRFY x\r\n',
    'HELP\r\n',
    'EXPN x\r\n',
    'MAIL FROM:<> SIZE=99999\r\n',
    'MAIL FROM:<> BODY=BINARYMIME\r\n',
    'MAIL FROM:<\xc3\xa9@s.test> SMTPUTF8\r\n',
    'RCPT TO:<\xc3\xa9@r.test>\r\n',
    'BDAT 3\r\n',
    'BDAT 4 LAST\r\n',
    'BDAT 0 LAST\r\n',
    'BDAT 50\r\n',
    'RCPT TO:<no@r.test>\r\n',
    ' ',
    '\0',
    '\xc3',
    '\xff',
    'x'.repeat(300),
    'GET / HTTP/1.1\r\n',
    '\x16\x03\x01',
    '__PROTO__\r\n',
  ],
  30,
)

/** Generates content with sequences that are difficult for a parser of lines. */
export const content: fc.Arbitrary<Buffer> = bytesFrom([
  '.',
  '..',
  '\r\n',
  '\r\n.',
  '\r\n.\r\n',
  '.\r\n',
  'text',
  '\0',
  '\xff',
  'x'.repeat(40),
])

/** A complete message, to reach the state after it quickly. Its last line is a stuffed dot. */
export const mail = Buffer.from('EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@r.test>\r\nDATA\r\nx\r\n..\r\n.\r\n')
