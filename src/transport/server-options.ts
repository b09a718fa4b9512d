import type { SecureContext } from 'node:tls'
import type { Host, SessionSettings } from '../protocol/index.ts'
import type { EventHandler } from '../support/emit.ts'
import type { ConnectionEvent } from './connection-events.ts'
import type { ConnectionLimits } from './connections.ts'
import type { Timeouts } from './timeouts.ts'

/** What a server's connections have in common. */
export interface ServerOptions {
  /** What every session goes by: names, TLS, ways to log in, limits. */
  readonly settings: SessionSettings
  /** Who answers the questions of every session. */
  readonly host: Host
  /** How long each wait may last; `defaultTimeouts` is a beginning. */
  readonly timeouts: Timeouts
  /** How many connections there may be; `defaultConnectionLimits` where one is left out. */
  readonly connectionLimits?: Partial<ConnectionLimits>
  /** Called with the number of connections that were closed to make room since the last call, at most once a minute. */
  readonly onOverload?: (closed: number) => void
  /** Returns the bytes of memory that all connections together may take now. Beyond: `421 4.3.2`. No limit if left out. */
  readonly connectionBytes?: () => number
  /**
   * True for the address of a load balancer: its connections must begin with a PROXY header, and are believed to be of
   * the client that it names. From others nothing of the kind is read.
   */
  readonly isTrustedProxy?: (address: string) => boolean
  /** A load balancer's connection was closed because of its PROXY header: the balancer's address, and why. */
  readonly onProxyError?: (proxy: string, reason: string) => void
  /** Hears what happens on connections. */
  readonly onEvent?: EventHandler<ConnectionEvent> | undefined
  /** The certificate and key to begin TLS with now; absent where there is no TLS. */
  readonly secureContext?: () => SecureContext
  /** Called with what a host threw or rejected with: a fault of the program, of which the client hears no text. */
  readonly onError?: (fault: unknown) => void
}
