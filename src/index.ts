/**
 * Main entry point: `createServer` returns a complete server, ready to listen. The parts have entry points of their own:
 * `aws-smtp-relay/protocol`, `/transport`, `/auth`, `/relay`.
 *
 * @module aws-smtp-relay
 */

import type { AddressInfo } from 'node:net'
import {
  backendOptionsIn,
  configFromObject,
  limitConnections,
  type ServerConfig,
  validateOptions,
} from './config/index.ts'
import type { RelayEvent } from './operations/index.ts'
import type { Relay } from './relay/index.ts'
import { buildServer, type ServerParts } from './server.ts'
import { type EventHandler, emit } from './support/emit.ts'
import type { Listener, SecureContext } from './transport/index.ts'

export {
  type AccessEvent,
  type AccessFailure,
  AddressList,
  type LoginFailure,
  type UserOptions,
} from './auth/index.ts'
export type { Filters, ServerConfig, TlsFiles } from './config/index.ts'
export type { ErrorEvent, NoticeEvent, ProxyErrorEvent, RelayEvent } from './operations/index.ts'
export type { Client, Reply, SessionCloseReason } from './protocol/index.ts'
export {
  type CallOutcome,
  type Content,
  type Delivery,
  type Message,
  type MessageEnd,
  type MessageEvent,
  PartialFailure,
  type Receipt,
  Refused,
  type Relay,
  type UpstreamCall,
} from './relay/index.ts'
export type { EventHandler } from './support/emit.ts'
export {
  type Certificate,
  type CloseReason,
  type ConnectionEvent,
  type Listener,
  type RejectReason,
  type SecureContext,
  secureContext,
} from './transport/index.ts'

/** The settings of the command line, under the names and in the units that the program uses internally. All are optional. */
export interface RelayServerOptions extends Omit<ServerConfig, 'relay' | 'tls'> {
  /** Where messages are delivered (`ses` if left out): the name of a backend of this package, or an object of your own. */
  readonly relay?: ServerConfig['relay'] | Relay
  /** Certificate files, which are read again when they change, or a function that is called for each TLS handshake. */
  readonly tls?: ServerConfig['tls'] | (() => SecureContext)
  /**
   * Called with everything that happens, synchronously: connections, logins, messages, notices, errors. What it throws or
   * rejects with is ignored. Without it, nothing is reported.
   */
  readonly onEvent?: EventHandler<RelayEvent> | undefined
}

/** A server that is ready to listen. */
export interface RelayServer {
  /** The number of open connections. */
  readonly connections: number
  /**
   * Listens on an address; without `host`, on every address of the machine. May be called for any number of addresses.
   * Resolves with the address that was opened; rejects with an Error that says why it could not be.
   */
  listen(listener: Listener): Promise<AddressInfo>
  /**
   * Stops listening. Idle clients get 421; a client that is sending a message gets 421 after the reply to it. Resolves when
   * all connections are closed. A second call returns the same promise, with the time of the first call.
   * @param graceMs milliseconds that messages in flight may take (30,000 if left out); after that their clients get 421
   */
  close(graceMs?: number): Promise<void>
  /** Checks what the backend needs, AWS region and credentials for example. Sends nothing. Resolves with what it found. */
  check(): Promise<readonly string[]>
  /** Reads the certificate files again. Has no effect without them. */
  reloadCertificate(): void
}

/**
 * Opens everything that the options name: files, filters, a Maildir, the AWS client. Writes to no stream, does not read
 * arguments or environment variables of its own, and does not touch signals or the exit of the process.
 *
 * Rejects with an Error that says which option is wrong, or what could not be opened.
 */
export async function createServer(options: RelayServerOptions = {}): Promise<RelayServer> {
  validateOptions(options)
  const { relay, tls, onEvent, ...rest } = options
  const ownRelay = typeof relay === 'object' && relay !== null ? relay : undefined
  const secureContext = typeof tls === 'function' ? tls : undefined
  const [unused] = ownRelay === undefined ? [] : backendOptionsIn(rest)
  if (unused !== undefined) throw new Error(`${unused} has no effect on a relay of one's own`)
  const config: ServerConfig = {
    ...rest,
    relay: ownRelay === undefined ? (relay as ServerConfig['relay']) : undefined,
    tls: secureContext === undefined ? (tls as ServerConfig['tls']) : undefined,
  }
  const settings = limitConnections(configFromObject(config, secureContext !== undefined))
  for (const text of settings.warnings) emit(onEvent, { type: 'notice', text })
  const parts = await buildServer(settings, { relay: ownRelay, secureContext, onEvent })
  const hasTls = settings.tls !== undefined || secureContext !== undefined
  return relayServer(parts, hasTls, settings.drainTimeoutMs)
}

/** Returns the part of a server that an application may use. */
function relayServer(parts: ServerParts, hasTls: boolean, drainTimeoutMs: number): RelayServer {
  const { server, relay, reloadCertificate, dispose } = parts
  let closed: Promise<void> | undefined
  return {
    get connections() {
      return server.connections
    },
    async listen({ host, port, implicitTls = false }) {
      // An empty host is more likely a variable that was not set than a wish to listen on every address of the machine.
      if (host !== undefined && (typeof host !== 'string' || host === '')) {
        throw new Error('host has to be a name or an IP address, or left out')
      }
      if (implicitTls && !hasTls) throw new Error('implicitTls needs a certificate: the option tls')
      return parts.listen({ host, port, implicitTls })
    },
    close(graceMs = drainTimeoutMs) {
      closed ??= server.close(graceMs).finally(dispose)
      return closed
    },
    check: async () => (await relay.check?.()) ?? [],
    reloadCertificate,
  }
}
