export { maxTimerMs } from '../support/clock.ts'

/** Every wait of a connection, in milliseconds, at most `maxTimerMs`, and what ends it. */
export interface Timeouts {
  /**
   * Silence of the client, or a command that does not come to its end: `421 4.4.2`. RFC 5321 section 4.5.3.2.7 asks for
   * at least five minutes.
   */
  readonly idleMs: number
  /** The content of one mail, from 354 to its end: `421 4.4.2`. */
  readonly messageMs: number
  /** A whole PROXY header of a load balancer: the connection is closed without a word. */
  readonly proxyHeaderMs: number
  /** A TLS handshake: the connection is closed without a word. */
  readonly handshakeMs: number
  /** An answer of the host: `451 4.4.1`. Clients give up after ten minutes (RFC 5321 section 4.5.3.2.6). */
  readonly hostMs: number
  /** The pause before a reply to a client that does much wrong. */
  readonly errorDelayMs: number
  /** Where pipelining is strict: how long the greeting waits for clients that do not wait for it. */
  readonly earlyTalkMs: number
  /** Silence after which a connection is closed for a new one when all places are taken: `421 4.3.2`. */
  readonly fullIdleMs: number
  /** The client's closing of its half after the server closed its own: the socket is closed. */
  readonly lingerMs: number
}

/** What RFC 5321 section 4.5.3.2 asks for, and for the rest what is known to be enough. */
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
