/**
 * Sockets: listeners, one connection = one session on one socket, TLS, PROXY headers, and the end of every wait. It
 * knows what a host is, but not what the host does.
 *
 * @module aws-smtp-relay/transport
 */

export { CertificateFiles, type CertificatePaths } from './certificate-files.ts'
export { type Conduct, Conductor, type Halt } from './conductor.ts'
export { type ConnectionLimits, defaultConnectionLimits } from './connections.ts'
export { defaultTimeouts, longestWaitMs, type Timeouts } from './limits.ts'
export { networkOf } from './peer-address.ts'
export { type Listener, refusedConnections, Server } from './server.ts'
export type { Service } from './service.ts'
export { type Certificate, type SecureContext, secureContext, tlsCiphers } from './tls.ts'
export type { SessionOutcome, TrafficEvent, TurnedAwayReason } from './traffic.ts'
export { TurnQueue } from './turn-queue.ts'
