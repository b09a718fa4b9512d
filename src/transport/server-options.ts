import type { SecureContext } from 'node:tls'
import type { Host, SessionSettings } from '../protocol/index.ts'
import type { EventHandler } from '../support/emit.ts'
import type { ConnectionEvent } from './connection-events.ts'
import type { ConnectionLimits } from './connections.ts'
import type { Timeouts } from './timeouts.ts'

/** Options of a server, for all its connections. */
export interface ServerOptions {
  /** Settings of every session: names, TLS, authentication, limits. */
  readonly settings: SessionSettings
  /** Answers the questions of every session. */
  readonly host: Host
  /** Timeouts in milliseconds; see `defaultTimeouts`. */
  readonly timeouts: Timeouts
  /** Limits on open connections. Those left out are `defaultConnectionLimits`. */
  readonly connectionLimits?: Partial<ConnectionLimits>
  /** Called at most once a minute, with the number of connections closed to make room since the last call. */
  readonly onOverload?: (closed: number) => void
  /** Returns the bytes of memory that all connections may take now. Beyond: `421 4.3.2`. Unlimited if left out. */
  readonly connectionBytes?: () => number
  /**
   * True for the address of a load balancer: its connections must begin with a PROXY header, and the address in it
   * counts as the client's. Connections from other addresses must have no header.
   */
  readonly isTrustedProxy?: (address: string) => boolean
  /** Called if a load balancer's connection was closed because of its PROXY header. @param proxy its address */
  readonly onProxyError?: (proxy: string, reason: string) => void
  /** Called with what happens on connections. */
  readonly onEvent?: EventHandler<ConnectionEvent> | undefined
  /** Returns the certificate and key for a TLS handshake that begins now. Left out without TLS. */
  readonly secureContext?: () => SecureContext
  /**
   * Called with internal errors, for example what a host threw. The client gets `451 4.3.0` and not the error's text.
   */
  readonly onError?: (error: unknown) => void
}
