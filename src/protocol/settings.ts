import type { Mechanism } from './sasl.ts'

/** Settings that all sessions of a server share. */
export interface SessionSettings {
  /** Name of this server in its greeting and its replies to HELO and EHLO: a domain or an address literal. */
  readonly hostname: string
  /** Name of the service in the greeting and the reply to QUIT, for example `Example Mail`. */
  readonly service: string
  /** STARTTLS: not offered, offered, or required before AUTH and MAIL. */
  readonly tls: 'none' | 'offered' | 'required'
  /** AUTH is required before MAIL. */
  readonly authRequired: boolean
  /** SASL mechanisms in the order in which EHLO lists them. */
  readonly mechanisms: readonly Mechanism[]
  /** Offer mechanisms that send the password in clear text also without TLS. */
  readonly allowPlaintextAuth: boolean
  /** Offer SMTPUTF8 (RFC 6531). Only for a host that can deliver addresses and headers in UTF-8. */
  readonly smtpUtf8: boolean
  /**
   * Offer BINARYMIME (RFC 3030). Only for a host that can deliver a message as octets. Never offered if `bareNewline`
   * is `reject`, because binary content may hold bare newlines.
   */
  readonly binaryMime: boolean
  /** A bare CR or LF in content: replaced by CRLF, or the message is refused with `550 5.5.2`. */
  readonly bareNewline: 'normalize' | 'reject'
  /** Disconnect a client that does not wait for a reply where it must: `554 5.5.0` (RFC 2920 section 3.1). */
  readonly strictPipelining: boolean
  /** What a client may do; see `defaultLimits`. */
  readonly limits: Limits
}

/** Limits that the engine enforces, each with what happens beyond it. The driver enforces timeouts. */
export interface Limits {
  /** Bytes of content of one message, dots unstuffed (RFC 1870). Beyond: `552 5.3.4`. Default: 41,943,040. */
  readonly messageBytes: number
  /**
   * Content of a refused message that is read before the connection is closed, as a multiple of
   * `messageBytes`. Default: 2.
   */
  readonly discardFactor: number
  /** Recipients of one message. Beyond: `452 4.5.3` for each (RFC 5321 section 4.5.3.1.10). Default: 100. */
  readonly recipients: number
  /** Bytes of a command line, CRLF included. Beyond: `500 5.5.2`. Default: 2,048. */
  readonly commandLineBytes: number
  /**
   * Bytes of a response to a challenge, CRLF included (RFC 4954 section 4). Beyond: `500 5.5.6`. Default:
   * 12,288.
   */
  readonly authLineBytes: number
  /**
   * Bytes skipped of a line that is too long, while its end does not come. Beyond: `421 4.7.0` and close.
   * Default: 2,097,152.
   */
  readonly discardedLineBytes: number
  /**
   * Errors of the client since its latest accepted message. The last one gets `421 4.7.0` and closes the
   * connection. Default: 20.
   */
  readonly hardErrorLimit: number
  /** Errors that are answered at once. The reply to each further one is sent after a pause. Default: 10. */
  readonly softErrorLimit: number
  /**
   * HELO, EHLO, NOOP, RSET, VRFY and HELP since the latest accepted message. Each further one counts as an
   * error. Default: 100.
   */
  readonly junkCommands: number
  /**
   * BDAT chunks of fewer than 1,024 bytes since the latest accepted message, except the last chunk of a
   * message. Each further one counts as an error. Default: 1,000.
   */
  readonly smallChunks: number
  /**
   * Refusals of any kind, 4xx included, since the latest accepted message. The last one gets `421 4.7.0` and
   * closes. Default: 5,000.
   */
  readonly refusals: number
  /**
   * Commands that are read in a row before other connections run. The client gets no reply and does not
   * notice. Default: 50.
   */
  readonly turnCommands: number
  /**
   * Failed login attempts, each with every mechanism at most once. The last one gets `421 4.7.0` and closes.
   * Default: 3.
   */
  readonly authFailures: number
}

/** Default limits. */
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

/** Default settings: no TLS, no authentication, no optional extensions. Names have no default. */
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
