/** What one connection of an attack does. All of it is within what any client that reaches the port can do. */
export interface Attack {
  /** TLS comes before the first byte, as on the port with implicit TLS; the handshake is completed. */
  readonly tls?: boolean
  /** Sent as soon as the connection is there. @param n the number of the connection */
  readonly opening: (n: number) => Buffer
  /** Sent again whenever the socket takes more. */
  readonly flood?: Buffer
  /** Sent again after each such time. */
  readonly drip?: { readonly bytes: Buffer; readonly everyMs: number }
  /** Sent as it is when the first reply is there, where there is TLS. */
  readonly beneathTls?: Buffer
  /** Sent once after the opening, each octet in a record of its own where there is TLS. */
  readonly octets?: Buffer
  /** Never reads a reply. */
  readonly deaf?: boolean
}

const KiB = 1024

const mail = 'MAIL FROM:<a@example.org>\r\n'
const rcpt = 'RCPT TO:<b@example.org>\r\n'
const message = `${mail}${rcpt}DATA\r\nx\r\n.\r\n`
/** A line of a legal length: few of them fill a chunk, and so few count as commands. */
const longNoop = `NOOP ${'x'.repeat(2000)}\r\n`

/** A client that does not read notices its end only when it writes. */
const noticing = { bytes: Buffer.from('NOOP\r\n'), everyMs: 2000 }

export const attacks = {
  /** Errors beyond the tenth are answered after a pause each, and all the rest has come before the first of them. */
  junk: { opening: same(`${'XXXX\r\n'.repeat(18)}${`${'x'.repeat(62)}\r\n`.repeat((200 * KiB) / 64)}`) },
  /** A message forgives what was counted before it, so that no limit on commands ends this. */
  deafEhlo: {
    opening: same(fill(400 * KiB, `${'EHLO x\r\n'.repeat(95)}${message}`)),
    deaf: true,
    drip: noticing,
  },
  deafRecipients: { opening: same(`EHLO x\r\n${mail}${fill(400 * KiB, rcpt)}`), deaf: true, drip: noticing },
  deafChunks: {
    opening: same(`EHLO x\r\n${mail}${rcpt}${fill(400 * KiB, 'BDAT 1\r\nx')}`),
    deaf: true,
    drip: noticing,
  },
  /** Each line is nearly as long as a line may be; what is kept should be the address only. */
  paddedRecipients: {
    opening: same(`EHLO x\r\n${mail}${lines(100, n => `RCPT TO:<b${n}@example.org>${' '.repeat(2000)}`)}`),
  },
  messageUnderWay: { opening: same(`EHLO x\r\n${message}`) },
  /** Sent while the backend works on the message. */
  pipelinedAfterMessage: { opening: same(`EHLO x\r\n${message}${fill(200 * KiB, longNoop)}`) },
  /** The same in TLS records of one octet. */
  octetsAfterMessage: { opening: same(`EHLO x\r\n${message}`), octets: Buffer.from(longNoop) },
  unfinishedLine: { opening: same(`${fill(63 * KiB, longNoop)}NOOP x`) },
  idle: { opening: same('EHLO x\r\n') },
  /** OpenSSL keeps what it has of a record until the record is whole. */
  unfinishedTlsRecord: {
    opening: same('EHLO x\r\n'),
    tls: true,
    beneathTls: Buffer.concat([Buffer.from([0x17, 3, 3, 0x40, 0x10]), Buffer.alloc(16_000)]),
  },
  idleTls: { opening: same('EHLO x\r\n'), tls: true },
  /** Recipients 51 to 100 are another call to SES, which can fail while the first one has succeeded. */
  partialDelivery: {
    opening: n =>
      Buffer.from(
        `EHLO x\r\n${mail}${lines(100, m => `RCPT TO:<b${m}@example.org>${' '.repeat(2000)}`)}DATA\r\nMessage ${n}\r\n.\r\nQUIT\r\n`,
      ),
  },
  /** Neither an error nor a command that moves no message, as the engine counts them. */
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
  /** The beginning of a ClientHello, on the port where TLS comes first. */
  unfinishedHandshake: { opening: () => Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]) },
  /** A header of the PROXY protocol that grows by an octet now and then. */
  slowProxyHeader: {
    opening: same('PROXY TCP4 1'),
    drip: { bytes: Buffer.from('1'), everyMs: 1000 },
  },
} as const satisfies Record<string, Attack>

export type AttackName = keyof typeof attacks

/** One buffer for all connections. */
function same(text: string): (n: number) => Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return () => bytes
}

/** The text as often as it fits whole into so many bytes. */
function fill(bytes: number, text: string): string {
  return text.repeat(Math.floor(bytes / text.length))
}

function lines(count: number, line: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => `${line(n)}\r\n`).join('')
}
