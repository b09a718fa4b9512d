import type { Mechanism } from './sasl.ts'

/** What one listener's sessions have in common. */
export interface SessionSettings {
  /** The name this server goes by in its greeting and its replies to HELO and EHLO: a domain or an address literal. */
  readonly hostname: string
  /** The name of the service in the greeting and the farewell, for example `AWS SMTP Relay`. */
  readonly service: string
  /** STARTTLS: not there, offered, or required before AUTH and MAIL. */
  readonly tls: 'none' | 'offered' | 'required'
  /** AUTH is required before MAIL. */
  readonly authRequired: boolean
  /** The ways to log in, in the order in which EHLO lists them. */
  readonly mechanisms: readonly Mechanism[]
  /** Offer mechanisms that show the password also where there is no TLS. */
  readonly allowPlaintextAuth: boolean
  /** Offer SMTPUTF8 (RFC 6531): only where a mail can go on with addresses and headers in UTF-8. */
  readonly smtpUtf8: boolean
  /**
   * Offer BINARYMIME (RFC 3030): only where a message can go on as octets. It is never offered with `bareNewline`
   * `reject`, because binary content may hold bare newlines.
   */
  readonly binaryMime: boolean
  /** A CR or LF on its own inside content: made a CRLF, or a reason to refuse the mail. */
  readonly bareNewline: 'normalize' | 'reject'
  /** A client that says more where it has to wait for a reply is left: `554 5.5.0` (RFC 2920 section 3.1). */
  readonly strictPipelining: boolean
  /** How much a client may do; `defaultLimits` is a beginning. */
  readonly limits: Limits
}

/** Every limit that the engine keeps by itself. Time is the driver's. */
export interface Limits {
  /** Bytes of content of one mail, dots unstuffed (RFC 1870). Beyond: `552 5.3.4`. */
  readonly messageBytes: number
  /** Bytes of a refused mail's content that are read before the connection is closed, as a multiple of `messageBytes`. */
  readonly discardFactor: number
  /** Recipients of one mail. Beyond: `452 4.5.3` for each (RFC 5321 section 4.5.3.1.10). */
  readonly recipients: number
  /** Bytes of a command line, CRLF included. Beyond: `500 5.5.2`. */
  readonly commandLineBytes: number
  /** Bytes of a line that answers a challenge, CRLF included (RFC 4954 section 4). Beyond: `500 5.5.6`. */
  readonly authLineBytes: number
  /** Bytes of an overlong line that are skipped while waiting for its end. Beyond: `421 4.7.0` and close. */
  readonly discardedLineBytes: number
  /** Errors of the client since its latest accepted mail. With this many: `421 4.7.0` and close. */
  readonly hardErrorLimit: number
  /** Errors that are answered at once; the answer to each one beyond comes after a pause. */
  readonly softErrorLimit: number
  /** HELO, EHLO, NOOP, RSET, VRFY and HELP since the latest accepted mail; each one beyond counts as an error. */
  readonly junkCommands: number
  /**
   * Chunks of fewer than 1,024 bytes since the latest accepted message, the last chunk of a message aside; each one beyond
   * counts as an error.
   */
  readonly smallChunks: number
  /** Refusals of every kind, 4xx included, since the latest accepted message. With this many: `421 4.7.0` and close. */
  readonly refusals: number
  /** Commands that are read in a row before other connections get a turn. No reply: the client does not notice. */
  readonly turnCommands: number
  /** Failed attempts to log in, each with any of the mechanisms once. With this many: `421 4.7.0` and close. */
  readonly authFailures: number
}

/** What the engine allows where nothing else is said. */
export const defaultLimits: Limits = {
  messageBytes: 40 * 1024 * 1024,
  discardFactor: 2,
  recipients: 100,
  commandLineBytes: 2048,
  authLineBytes: 12_288,
  discardedLineBytes: 2 * 1024 * 1024,
  hardErrorLimit: 20,
  softErrorLimit: 10,
  junkCommands: 100,
  smallChunks: 1_000,
  refusals: 5_000,
  turnCommands: 50,
  authFailures: 3,
}

/** A beginning: nothing but mail, in the clear and for everybody. What the server is called has no default. */
export const defaultSettings: Omit<SessionSettings, 'hostname' | 'service'> = {
  tls: 'none',
  authRequired: false,
  mechanisms: [],
  allowPlaintextAuth: false,
  smtpUtf8: false,
  binaryMime: false,
  bareNewline: 'normalize',
  strictPipelining: false,
  limits: defaultLimits,
}
