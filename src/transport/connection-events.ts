/**
 * What happens on connections, told to those who watch. Addresses are those of clients, without port. What clients say
 * is in none of it, but for what the server's own replies repeat.
 */
export type ConnectionEvent =
  /** A client is served. */
  | { readonly type: 'opened'; readonly address: string }
  /** A connection was not served. */
  | { readonly type: 'turnedAway'; readonly address: string; readonly reason: RejectReason }
  /** TLS is up. */
  | { readonly type: 'secured'; readonly address: string; readonly protocol: string; readonly cipher: string }
  /** A reply was said. */
  | {
      readonly type: 'replied'
      readonly address: string
      /** Three digits. */
      readonly code: number
      /** As it went over the wire, all its lines. */
      readonly text: string
      /** The engine's own limit that it tells of, if it does. */
      readonly limit: 'size' | 'recipients' | undefined
    }
  /** The client is gone, and nothing is under way for it. */
  | {
      readonly type: 'ended'
      readonly address: string
      readonly tls: 'none' | 'starttls' | 'implicit'
      readonly outcome: CloseReason
      /** Milliseconds since it was opened. */
      readonly ms: number
    }

/**
 * Why a connection was not served: too many in all, too many from its address, no memory for more of them, or no valid
 * PROXY header.
 */
export type RejectReason = 'total' | 'address' | 'memory' | 'proxyHeader'

/**
 * Why a session ended. `quit`: the client said so. `hangup`: it closed the connection. `timeout`: it was silent or slow.
 * `errors`: the server left a client that did too much wrong. `refused`: it was not welcome from the start. `shutdown`:
 * the server ends. `overload`: the server had no room for it any more. `fault`: a fault of this program.
 */
export type CloseReason =
  | 'quit'
  | 'hangup'
  | 'timeout'
  | 'errors'
  | 'refused'
  | 'shutdown'
  | 'overload'
  | 'fault'
