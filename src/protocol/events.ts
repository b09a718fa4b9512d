import type { Reply } from './reply.ts'
import type { Credentials } from './sasl.ts'

/**
 * Parameters of MAIL or RCPT: names in upper case, values as sent. A parameter without a value has the empty string.
 */
export type Parameters = ReadonlyMap<string, string>

/** MAIL's reverse-path or RCPT's forward-path (RFC 5321 section 4.1.2), with the source route removed. */
export interface Path {
  /** `local@domain` as the client wrote it, quoting included; `''` is the null sender. */
  readonly address: string
  /** The parameters after the address, for example `SIZE=1000`. */
  readonly parameters: Parameters
}

/** The envelope of one message (RFC 5321 section 3.3). */
export interface Transaction {
  /** MAIL's path. */
  readonly sender: Path
  /** RCPT's accepted paths in their order. A path that the client gave twice is in the list twice. */
  readonly recipients: readonly Path[]
}

/** True if the content is octets and has no lines, so that only BDAT can carry it (RFC 3030 section 3). */
export function isBinary({ sender }: Transaction): boolean {
  return sender.parameters.get('BODY')?.toUpperCase() === 'BINARYMIME'
}

/** The host must decide. The session reads no further until `answer` is called. */
export type Question =
  /** A client has connected: may it be served? */
  | { readonly type: 'connect' }
  /** A mechanism has returned credentials: do they prove the client's identity? */
  | { readonly type: 'login'; readonly mechanism: string; readonly credentials: Credentials }
  /** MAIL: may this sender send? */
  | ({ readonly type: 'sender' } & Path)
  /** RCPT: may a message of this sender go to this recipient? */
  | ({ readonly type: 'recipient'; readonly sender: string } & Path)
  /** DATA or the first BDAT: may the content come now? */
  | { readonly type: 'message'; readonly transaction: Transaction }
  /** All of the content has been read, `size` bytes of it passed on: is the message accepted? */
  | { readonly type: 'delivery'; readonly transaction: Transaction; readonly size: number }

/**
 * Why the session closes the connection. `quit`: the client sent QUIT. `timeout`: it was silent or slow. `errors`: it
 * made too many errors, or one that the session cannot continue after. `refused`: the host refused the connection.
 * `host`: the host answered a later question with 421. `shutdown`: the server shuts down. `overload`: the server has
 * no memory or no connection to spare.
 */
export type SessionCloseReason = 'quit' | 'timeout' | 'errors' | 'refused' | 'host' | 'shutdown' | 'overload'

/** Something that the driver must do. It needs no answer. */
export type Action =
  /** The next bytes of the message, dots unstuffed. They may share memory with the bytes passed to `receive`. */
  | { readonly type: 'content'; readonly bytes: Buffer }
  /** The message that was being received will not be delivered: release what it held. */
  | { readonly type: 'discard' }
  /** Wait before you call `next` again, to slow down a client that makes many errors. */
  | { readonly type: 'pause' }
  /** Send the output, and let other connections run before you call `next` again: `turnCommands` commands were read. */
  | { readonly type: 'yield' }
  /** Send the output, then start TLS and call `tlsEstablished` when it is up. A `close` that follows cancels it. */
  | { readonly type: 'upgrade' }
  /** Send the output, then close the connection. */
  | { readonly type: 'close'; readonly reason: SessionCloseReason }

/** What `Session.next` returns: a question to answer or an action to do. */
export type Event = Question | Action

/** True for an event that must be answered. */
export function isQuestion(event: Event): event is Question {
  return !['content', 'discard', 'pause', 'yield', 'upgrade', 'close'].includes(event.type)
}

/**
 * The host's answer. `undefined` accepts; a 4xx or 5xx reply refuses; any other reply accepts with the host's own
 * text.
 */
export type HostReply = Reply | undefined
