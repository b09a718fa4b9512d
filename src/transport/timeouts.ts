export { maxTimerMs } from '../support/clock.ts'

/** Timeouts of a connection in milliseconds, at most `maxTimerMs`, each with what happens after it. */
export interface Timeouts {
  /**
   * The client sends nothing, or a command without its end: `421 4.4.2` and close. RFC 5321 section 4.5.3.2.7
   * asks for at least five minutes. Default: 300,000.
   */
  readonly idleMs: number
  /** The content of one message, from 354 to its end: `421 4.4.2` and close. Default: 600,000. */
  readonly messageMs: number
  /** The PROXY header of a load balancer: close without a reply. Default: 5,000. */
  readonly proxyHeaderMs: number
  /** A TLS handshake: close without a reply. Default: 30,000. */
  readonly handshakeMs: number
  /**
   * An answer of the host: `451 4.4.1`. Clients give up after ten minutes (RFC 5321 section 4.5.3.2.6).
   * Default: 300,000.
   */
  readonly hostMs: number
  /** Pause before a reply to a client that has made many errors (`Limits.softErrorLimit`). Default: 1,000. */
  readonly errorDelayMs: number
  /**
   * Delay of the greeting if pipelining is strict, to detect clients that do not wait for it. Default: 100.
   */
  readonly earlyTalkMs: number
  /**
   * Inactivity after which a connection is closed for a new one, if the limit is reached: `421 4.3.2` and
   * close. Default: 5,000.
   */
  readonly fullIdleMs: number
  /** Wait for the client to close its half after the last reply: the socket is closed. Default: 5,000. */
  readonly lingerMs: number
}

/** Default timeouts: those of RFC 5321 section 4.5.3.2, and for the others values known to be enough. */
export const defaultTimeouts: Timeouts = {
  idleMs: 300_000,
  messageMs: 600_000,
  proxyHeaderMs: 5_000,
  handshakeMs: 30_000,
  hostMs: 300_000,
  errorDelayMs: 1_000,
  earlyTalkMs: 100,
  fullIdleMs: 5_000,
  lingerMs: 5_000,
}
