/**
 * The door of the package: a whole server, put together and ready to listen, for a program that embeds one. Who wants
 * only a part of it takes it from its own door: `aws-smtp-relay/protocol`, `/transport`, `/auth`, `/relay`.
 *
 * @module aws-smtp-relay
 */

import type { AddressInfo } from 'node:net'
import { limitConnections } from './config/connection-limit.ts'
import { backendOptionsIn, configFromObject, type ServerConfig } from './config/from-object.ts'
import { validateOptions } from './config/validate-options.ts'
import type { EventHandlers } from './operations/index.ts'
import { listenOrExplain } from './program/listen.ts'
import type { Relay } from './relay/index.ts'
import { buildServer, type ServerParts } from './server.ts'
import { emit } from './support/emit.ts'
import type { Listener, SecureContext } from './transport/index.ts'

export {
  type AccessEvent,
  type AccessFailure,
  AddressList,
  type LoginFailure,
  type UserOptions,
} from './auth/index.ts'
export type { ServerConfig } from './config/from-object.ts'
export type { Filters, TlsFiles } from './config/index.ts'
export type { EventHandlers } from './operations/index.ts'
export type { Client, Reply } from './protocol/index.ts'
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

/**
 * What a server shall be like, all of it optional: the settings of the command line by the names and in the units that
 * they have in the program, a relay of one's own, and who hears what happens.
 */
export interface RelayServerOptions extends Omit<ServerConfig, 'relay' | 'tls'> {
  /** Where mail goes (`ses` if left out): a backend of this package by its name, or anything that takes mails. */
  readonly relay?: ServerConfig['relay'] | Relay
  /** Files that are read again when they change, or a function that gives what a handshake that begins now shall use. */
  readonly tls?: ServerConfig['tls'] | (() => SecureContext)
  /** Hears what happens: to mails, of logins, on connections. */
  readonly handlers?: EventHandlers | undefined
  /** Hears what an operator should know, a sentence at a time, without a secret. */
  readonly onNotice?: ((sentence: string) => void) | undefined
  /** Hears what was thrown where nothing should be. One client has heard 451 or lost its connection; the server goes on. */
  readonly onError?: ((fault: unknown) => void) | undefined
}

/** A server that is ready to listen. */
export interface RelayServer {
  /** Connections that are open now. */
  readonly connections: number
  /**
   * Begins to listen; any number of times, on as many addresses. Resolves with the address that it really has; rejects
   * with an Error that says in a sentence why not. Without `host` it is every address of the machine.
   */
  listen(listener: Listener): Promise<AddressInfo>
  /**
   * Stops listening, says 421 to clients that are not sending a mail, and to the others when their mail is answered.
   * Resolves when all are gone. Called again, it is the same closing, with the time that was given first.
   * @param graceMs how long the others may take (30,000 if left out); then they hear 421 in the middle of it
   */
  close(graceMs?: number): Promise<void>
  /** Looks for what the relay needs, region and credentials for example, and says what it found. Sends nothing. */
  check(): Promise<readonly string[]>
  /** Reads the files of the certificate again; without effect where there are none. */
  reloadCertificate(): void
}

/**
 * Opens all that the options name: files, expressions, a Maildir, the AWS client. It writes to no stream, reads neither
 * arguments nor variables of its own, and touches neither signals nor the end of the process.
 *
 * Rejects with an Error that says in a sentence what is wrong with the options, or could not be opened.
 */
export async function createServer(options: RelayServerOptions = {}): Promise<RelayServer> {
  validateOptions(options)
  const { relay, tls, handlers, onNotice, onError, ...rest } = options
  const own = typeof relay === 'object' && relay !== null ? relay : undefined
  const secureContext = typeof tls === 'function' ? tls : undefined
  const [unused] = own === undefined ? [] : backendOptionsIn(rest)
  if (unused !== undefined) throw new Error(`${unused} has no effect on a relay of one's own`)
  const choices: ServerConfig = {
    ...rest,
    relay: own === undefined ? (relay as ServerConfig['relay']) : undefined,
    tls: secureContext === undefined ? (tls as ServerConfig['tls']) : undefined,
  }
  const settings = limitConnections(configFromObject(choices, secureContext !== undefined))
  const noted = (sentence: string) => emit(onNotice, sentence)
  settings.warnings.forEach(noted)
  const assembly = await buildServer(settings, {
    relay: own,
    secureContext,
    onNotice: noted,
    onError: fault => emit(onError, fault),
    ...(handlers && { handlers }),
  })
  return embedded(
    assembly,
    settings.tls !== undefined || secureContext !== undefined,
    settings.drainTimeoutMs,
  )
}

/** The face of an assembly for those who embed it. */
function embedded(assembly: ServerParts, hasTls: boolean, drainMs: number): RelayServer {
  const { server, relay, reloadCertificate, dispose } = assembly
  let closed: Promise<void> | undefined
  return {
    get connections() {
      return server.connections
    },
    async listen({ host, port, implicitTls = false }) {
      // An empty one is rather a variable that was forgotten, and every address of the machine is a large gate.
      if (host !== undefined && (typeof host !== 'string' || host === '')) {
        throw new Error('host has to be a name or an IP address, or left out')
      }
      if (implicitTls && !hasTls) throw new Error('implicitTls needs a certificate: the option tls')
      const address = { host, port, implicitTls }
      return listenOrExplain(address, () => server.listen(address))
    },
    close(graceMs = drainMs) {
      closed ??= server.close(graceMs).finally(dispose)
      return closed
    },
    check: async () => (await relay.check?.()) ?? [],
    reloadCertificate,
  }
}
