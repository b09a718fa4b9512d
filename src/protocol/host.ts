import type { Question, Transaction, Verdict } from './events.ts'
import type { Reply } from './reply.ts'

/** What is known of the client at this moment. */
export interface Client {
  /** Its IP address, without port, brackets or zone. */
  readonly address: string
  /** What it called itself with HELO or EHLO; `undefined` before. Free of control characters, but not to be trusted. */
  readonly name: string | undefined
  /** It said EHLO, not HELO. */
  readonly extended: boolean
  /** TLS is up. */
  readonly secure: boolean
  /** The user it logged in as. */
  readonly user: string | undefined
  /** It is a load balancer that looks whether the server lives: not worth a complaint. */
  readonly healthCheck?: boolean
}

export type Answer = Verdict | Promise<Verdict>

/** The question of that type, for example `Asked<'recipient'>`. */
export type Asked<T extends Question['type']> = Extract<Question, { type: T }>

/**
 * The party that decides: access, policy and delivery. A missing method consents.
 * While a promise is pending nothing more is read from this client; one that rejects is answered `451 4.3.0`.
 */
export interface Host {
  connect?(client: Client): Answer
  login?(question: Asked<'login'>, client: Client): Answer
  sender?(question: Asked<'sender'>, client: Client): Answer
  recipient?(question: Asked<'recipient'>, client: Client): Answer
  /** A mail is about to come: where its content goes, or the reply that refuses it. */
  message(transaction: Transaction, client: Client): MessageSink | Reply | Promise<MessageSink | Reply>
}

/** Takes the content of one mail. Exactly one of `deliver` and `discard` is called, once, as the last call. */
export interface MessageSink {
  /** The next bytes, in order; they must not be changed. A promise holds the client back until it settles. */
  write(bytes: Buffer): void | Promise<void>
  /** The mail is complete. Consent only when it is safe elsewhere: the client then forgets it. */
  deliver(): Answer
  /** The mail will never be complete: give back what it held. */
  discard(): void
}
