import type { HostReply, Question, Transaction } from './events.ts'
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
  /**
   * It has closed its side of the connection, or the session is over, so it will probably read no other reply. A client
   * that has closed only its half may still read one; a server cannot tell the two apart.
   */
  readonly gone?: boolean
}

/** A verdict, now or later. */
export type Answer = HostReply | Promise<HostReply>

/** The question of that type, for example `Asked<'recipient'>`. */
export type QuestionOf<T extends Question['type']> = Extract<Question, { type: T }>

/**
 * The party that decides: access, policy and delivery. A missing method consents.
 * While a promise is pending nothing more is read from this client; one that rejects is answered `451 4.3.0`.
 */
export interface Host {
  /** A client is there. A 5xx is said in place of the greeting, and only QUIT is possible then; a 4xx is 421 and the end. */
  connect?(client: Client): Answer
  /** Credentials have come; the engine has judged none of them. Who consents lets the client be that user. */
  login?(question: QuestionOf<'login'>, client: Client): Answer
  /** MAIL names a sender, whose syntax is right. */
  sender?(question: QuestionOf<'sender'>, client: Client): Answer
  /** RCPT names a recipient, whose syntax is right; asked for each one, up to the limit. */
  recipient?(question: QuestionOf<'recipient'>, client: Client): Answer
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
