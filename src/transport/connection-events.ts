import type { SessionCloseReason } from '../protocol/index.ts'

/**
 * What happens on connections. Addresses are those of clients, without port. No event holds what a client sent, except
 * the parts that the server's own replies repeat.
 */
export type ConnectionEvent =
  /** A connection is accepted. */
  | { readonly type: 'opened'; readonly address: string }
  /** A connection is rejected before a session begins. */
  | { readonly type: 'rejected'; readonly address: string; readonly reason: RejectReason }
  /** A TLS handshake is complete. `protocol` and `cipher` are OpenSSL's names, for example `TLSv1.3`. */
  | { readonly type: 'tls'; readonly address: string; readonly protocol: string; readonly cipher: string }
  /** A reply was sent. */
  | {
      readonly type: 'reply'
      readonly address: string
      /** Three digits. */
      readonly code: number
      /** The reply's key in the table `replies`; `undefined` for a reply that the host made. */
      readonly id: string | undefined
      /** All lines as sent, each with its CRLF. */
      readonly text: string
    }
  /** The connection is closed, and the host is doing nothing for it any more. */
  | {
      readonly type: 'closed'
      readonly address: string
      readonly tls: 'none' | 'starttls' | 'implicit'
      readonly reason: CloseReason
      /** Milliseconds since it was opened. */
      readonly durationMs: number
    }

/**
 * Why a connection was rejected: `connectionLimit`, too many connections in all; `perIpLimit`, too many from its
 * address; `memory`, no memory for more connections; `proxyHeader`, no valid PROXY header.
 */
export type RejectReason = 'connectionLimit' | 'perIpLimit' | 'memory' | 'proxyHeader'

/**
 * Why a connection was closed; the first reason counts. `disconnect`: the client closed it without QUIT. `fault`: an
 * error in this program. The others are those of the session.
 */
export type CloseReason = SessionCloseReason | 'disconnect' | 'fault'
