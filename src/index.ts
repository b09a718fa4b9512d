/**
 * The door of the package: a whole server, put together and ready to listen, for a program that embeds one. Who wants
 * only a part of it takes it from its own door: `aws-smtp-relay/protocol`, `/transport`, `/auth`, `/relay`.
 *
 * @module aws-smtp-relay
 */

import type { AddressInfo } from 'node:net'
import { type Assembly, assemble } from './assembly.ts'
import { limitConnections } from './connection-limit.ts'
import { checkHanded } from './embedder.ts'
import { bind } from './listening.ts'
import type { Watcher } from './operations/index.ts'
import { type Choices, chosenForBackends, readChoices } from './options/choices.ts'
import { tell } from './protocol/index.ts'
import type { Relay } from './relay/index.ts'
import type { Listener, SecureContext } from './transport/index.ts'

export {
  type AccessEvent,
  type AccessFailure,
  AddressList,
  type LoginFailure,
  type User,
} from './auth/index.ts'
export type { Watcher } from './operations/index.ts'
export type { Choices } from './options/choices.ts'
export type { Filters, TlsFiles } from './options.ts'
export type { Client, Reply, Witness } from './protocol/index.ts'
export {
  type CallOutcome,
  type Content,
  type Delivery,
  type Mail,
  type MailEvent,
  type MessageEnd,
  PartialFailure,
  type Receipt,
  Refused,
  type Relay,
  type UpstreamCall,
} from './relay/index.ts'
export {
  type Certificate,
  type Listener,
  type SecureContext,
  type SessionOutcome,
  secureContext,
  type TrafficEvent,
  type TurnedAwayReason,
} from './transport/index.ts'

/**
 * What a server shall be like, all of it optional: the settings of the command line by the names and in the units that
 * they have in the program, a relay of one's own, and who hears what happens.
 */
export interface ServerOptions extends Omit<Choices, 'relay' | 'tls'> {
  /** Where mail goes (`ses` if left out): a backend of this package by its name, or anything that takes mails. */
  readonly relay?: Choices['relay'] | Relay
  /** Files that are read again when they change, or a function that gives what a handshake that begins now shall use. */
  readonly tls?: Choices['tls'] | (() => SecureContext)
  /** Hears what happens: to mails, of logins, on connections. */
  readonly watcher?: Watcher | undefined
  /** Hears what an operator should know, a sentence at a time, without a secret. */
  readonly note?: ((sentence: string) => void) | undefined
  /** Hears what was thrown where nothing should be. One client has heard 451 or lost its connection; the server goes on. */
  readonly onFault?: ((fault: unknown) => void) | undefined
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
export async function createServer(options: ServerOptions = {}): Promise<RelayServer> {
  checkHanded(options)
  const { relay, tls, watcher, note, onFault, ...rest } = options
  const own = typeof relay === 'object' && relay !== null ? relay : undefined
  const secureContext = typeof tls === 'function' ? tls : undefined
  const [unused] = own === undefined ? [] : chosenForBackends(rest)
  if (unused !== undefined) throw new Error(`${unused} has no effect on a relay of one's own`)
  const choices: Choices = {
    ...rest,
    relay: own === undefined ? (relay as Choices['relay']) : undefined,
    tls: secureContext === undefined ? (tls as Choices['tls']) : undefined,
  }
  const settings = limitConnections(readChoices(choices, secureContext !== undefined))
  const noted = (sentence: string) => tell(note, sentence)
  settings.warnings.forEach(noted)
  const assembly = await assemble(settings, {
    relay: own,
    secureContext,
    note: noted,
    onFault: fault => tell(onFault, fault),
    ...(watcher && { watcher }),
  })
  return embedded(
    assembly,
    settings.tls !== undefined || secureContext !== undefined,
    settings.drainTimeoutMs,
  )
}

/** The face of an assembly for those who embed it. */
function embedded(assembly: Assembly, hasTls: boolean, drainMs: number): RelayServer {
  const { server, relay, reloadCertificate, release } = assembly
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
      return bind(address, () => server.listen(address))
    },
    close(graceMs = drainMs) {
      closed ??= server.close(graceMs).finally(release)
      return closed
    },
    check: async () => (await relay.check?.()) ?? [],
    reloadCertificate,
  }
}
