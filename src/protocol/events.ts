import type { Reply } from './reply.ts'
import type { Credentials } from './sasl.ts'

/** Parameters of MAIL or RCPT, names in capitals, values as sent; a parameter without a value has the empty string. */
export type Parameters = ReadonlyMap<string, string>

/** One end of a mail's way: MAIL's reverse-path or RCPT's forward-path, its source route removed. */
export interface Path {
  /** `local@domain` as the client wrote it, quoting included; `''` is the null sender. */
  readonly address: string
  /** What stood behind the address, for example `SIZE=1000`. */
  readonly parameters: Parameters
}

/** The envelope of one mail (RFC 5321 section 3.3). */
export interface Transaction {
  /** MAIL's path. */
  readonly sender: Path
  /** RCPT's paths, those that were accepted, in their order; one that was named twice is there twice. */
  readonly recipients: readonly Path[]
}

/** The session reads no further until this is answered. */
export type Question =
  /** A client is there: shall it be served? */
  | { readonly type: 'connect' }
  /** Credentials have come by one of the mechanisms: do they prove who the client is? */
  | { readonly type: 'login'; readonly mechanism: string; readonly credentials: Credentials }
  /** MAIL: may mail come from there? */
  | ({ readonly type: 'sender' } & Path)
  /** RCPT: may mail of this sender go there? */
  | ({ readonly type: 'recipient'; readonly sender: string } & Path)
  /** DATA: may the content come now? */
  | { readonly type: 'message'; readonly transaction: Transaction }
  /** The end of the content was read, `size` bytes in all: take the mail or refuse it. */
  | { readonly type: 'delivery'; readonly transaction: Transaction; readonly size: number }

/** Something the driver does; there is nothing to answer. */
export type Action =
  /** The next bytes of the mail, dots unstuffed. They may share memory with what `receive` was given. */
  | { readonly type: 'content'; readonly bytes: Buffer }
  /** The mail that was coming will not be delivered: forget it. */
  | { readonly type: 'discard' }
  /** Wait a while before going on: a client that does much wrong shall not do it fast. */
  | { readonly type: 'pause' }
  /** Send the output, and go on after other connections had a turn: `turnCommands` commands were read in a row. */
  | { readonly type: 'yield' }
  /** Send the output, then start TLS; call `secured` once it is up. Void if a `close` follows it. */
  | { readonly type: 'upgrade' }
  /** Send the output, then close the connection. */
  | { readonly type: 'close' }

/** What comes out of a session: something to answer, or something to do. */
export type Event = Question | Action

/** True for what is to be answered. */
export function isQuestion(event: Event): event is Question {
  return !['content', 'discard', 'pause', 'yield', 'upgrade', 'close'].includes(event.type)
}

/** Silence is consent. A 4xx or 5xx reply refuses; another one consents in its own words. */
export type HostReply = Reply | undefined
