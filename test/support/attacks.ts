/** What one connection of an attack does. Any client that can reach the port can do it. */
export interface Attack {
  /** Complete a TLS handshake first, as on the port with implicit TLS. */
  readonly tls?: boolean
  /** Returns the bytes to send when the connection is established. @param n number of the connection */
  readonly opening: (n: number) => Buffer
  /** Send these bytes repeatedly, as fast as the socket accepts them. */
  readonly flood?: Buffer
  /** Send these bytes at this interval. */
  readonly drip?: { readonly bytes: Buffer; readonly everyMs: number }
  /** With TLS: send these bytes unencrypted after the first reply. */
  readonly beneathTls?: Buffer
  /** Send these bytes once after the opening, each in a TLS record of its own. */
  readonly bytewise?: Buffer
  /** Never read a reply. */
  readonly neverReads?: boolean
}

const KiB = 1024

const mail = 'MAIL FROM:<a@example.org>\r\n'
const rcpt = 'RCPT TO:<b@example.org>\r\n'
const message = `${mail}${rcpt}DATA\r\nx\r\n.\r\n`
/** A line of a valid length. A chunk has room for only a few of them, so that few commands are counted. */
const longNoop = `NOOP ${'x'.repeat(2000)}\r\n`

/** A client that does not read notices only when it writes that the connection has ended. */
const noopEvery2s = { bytes: Buffer.from('NOOP\r\n'), everyMs: 2000 }

export const attacks = {
  /** Each reply after the tenth error is delayed, and the rest of the input has arrived before the first delay. */
  junk: { opening: same(`${'XXXX\r\n'.repeat(18)}${`${'x'.repeat(62)}\r\n`.repeat((200 * KiB) / 64)}`) },
  /** A message resets the error counters, so that no limit of commands ends this attack. */
  unreadEhlo: {
    opening: same(fill(400 * KiB, `${'EHLO x\r\n'.repeat(95)}${message}`)),
    neverReads: true,
    drip: noopEvery2s,
  },
  unreadRecipients: {
    opening: same(`EHLO x\r\n${mail}${fill(400 * KiB, rcpt)}`),
    neverReads: true,
    drip: noopEvery2s,
  },
  unreadChunks: {
    opening: same(`EHLO x\r\n${mail}${rcpt}${fill(400 * KiB, 'BDAT 1\r\nx')}`),
    neverReads: true,
    drip: noopEvery2s,
  },
  /** Each line has nearly the maximum length. Only the address should be kept in memory. */
  paddedRecipients: {
    opening: same(`EHLO x\r\n${mail}${lines(100, n => `RCPT TO:<b${n}@example.org>${' '.repeat(2000)}`)}`),
  },
  messageInProgress: { opening: same(`EHLO x\r\n${message}`) },
  /** Commands that arrive while the backend delivers the message. */
  pipelinedAfterMessage: { opening: same(`EHLO x\r\n${message}${fill(200 * KiB, longNoop)}`) },
  /** The same in TLS records of one byte. */
  bytewiseAfterMessage: { opening: same(`EHLO x\r\n${message}`), bytewise: Buffer.from(longNoop) },
  unfinishedLine: { opening: same(`${fill(63 * KiB, longNoop)}NOOP x`) },
  idle: { opening: same('EHLO x\r\n') },
  /** OpenSSL buffers a record until it is complete. */
  unfinishedTlsRecord: {
    opening: same('EHLO x\r\n'),
    tls: true,
    beneathTls: Buffer.concat([Buffer.from([0x17, 3, 3, 0x40, 0x10]), Buffer.alloc(16_000)]),
  },
  idleTls: { opening: same('EHLO x\r\n'), tls: true },
  /** Recipients 51 to 100 are a second call to SES, which can fail after the first call has succeeded. */
  partialDelivery: {
    opening: n =>
      Buffer.from(
        `EHLO x\r\n${mail}${lines(100, m => `RCPT TO:<b${m}@example.org>${' '.repeat(2000)}`)}DATA\r\nMessage ${n}\r\n.\r\nQUIT\r\n`,
      ),
  },
  /** The engine counts these commands neither as errors nor as junk commands. */
  floodRecipients: {
    opening: same(`EHLO x\r\n${mail}${rcpt.repeat(100)}`),
    flood: Buffer.from(fill(64 * KiB, rcpt)),
  },
  floodChunks: {
    opening: same(`EHLO x\r\n${mail}${rcpt}`),
    flood: Buffer.from(fill(64 * KiB, 'BDAT 1\r\nx')),
  },
  silent: { opening: same('') },
  http: { opening: same('GET / HTTP/1.1\r\nHost: relay.test\r\n\r\n') },
  endlessLine: { opening: same(''), flood: Buffer.alloc(64 * KiB, 'x') },
  slowCommand: { opening: same('EHLO x\r\nNOOP '), drip: { bytes: Buffer.from('x'), everyMs: 1000 } },
  slowContent: {
    opening: same(`EHLO x\r\n${mail}${rcpt}DATA\r\n`),
    drip: { bytes: Buffer.from('x'), everyMs: 1000 },
  },
  /** The beginning of a ClientHello, on the port with implicit TLS. */
  unfinishedHandshake: { opening: () => Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]) },
  /** A PROXY protocol header that arrives one byte per second. */
  slowProxyHeader: {
    opening: same('PROXY TCP4 1'),
    drip: { bytes: Buffer.from('1'), everyMs: 1000 },
  },
} as const satisfies Record<string, Attack>

export type AttackName = keyof typeof attacks

/** Uses one buffer for all connections. */
function same(text: string): (n: number) => Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return () => bytes
}

/** Repeats the text as often as it completely fits into this number of bytes. */
function fill(bytes: number, text: string): string {
  return text.repeat(Math.floor(bytes / text.length))
}

function lines(count: number, line: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => `${line(n)}\r\n`).join('')
}
