/**
 * Sockets: listeners, connections (one session on one socket), TLS, PROXY headers and timeouts. A host decides; this
 * module does not know how.
 *
 * @module aws-smtp-relay/transport
 */

export type { EventHandler } from '../support/emit.ts'
export { CertificateFiles, type CertificatePaths } from './certificate-files.ts'
export type {
  CloseReason,
  ConnectionEvent,
  RejectReason,
} from './connection-events.ts'
export { type ConnectionLimits, defaultConnectionLimits } from './connections.ts'
export { rateLimitKey } from './peer-address.ts'
export { type Listener, maxLingering, Server } from './server.ts'
export type { ServerOptions } from './server-options.ts'
export {
  type Blocked,
  type DriverOptions,
  SessionDriver,
} from './session-driver.ts'
export { defaultTimeouts, maxTimerMs, type Timeouts } from './timeouts.ts'
export { type Certificate, type SecureContext, secureContext, tlsCiphers } from './tls.ts'
export { TurnQueue } from './turn-queue.ts'
