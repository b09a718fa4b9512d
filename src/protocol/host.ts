import type { HostReply, Question, Transaction } from './events.ts'
import type { Reply } from './reply.ts'

/** What the session knows about the client at this moment. */
export interface Client {
  /** IP address, without port, brackets or zone. */
  readonly address: string
  /**
   * The name that the client gave with HELO or EHLO; `undefined` before. Free of control characters, but not trusted.
   */
  readonly name: string | undefined
  /** The client sent EHLO, not HELO. */
  readonly extended: boolean
  /** The connection is encrypted with TLS. */
  readonly secure: boolean
  /** The user that the client has logged in as. */
  readonly user: string | undefined
  /** The client is a load balancer's health check: a refusal is not worth a log line. */
  readonly healthCheck?: boolean
  /**
   * The client has closed its side of the connection, or the session is over, so it will probably read no other
   * reply. A client that has closed only its half may still read one; a server cannot tell the two apart.
   */
  readonly gone?: boolean
}

/** The host's answer, now or later. */
export type Answer = HostReply | Promise<HostReply>

/** The question of one type, for example `QuestionOf<'recipient'>`. */
export type QuestionOf<T extends Question['type']> = Extract<Question, { type: T }>

/**
 * Decides about access, policy and delivery. A method that is left out accepts. While a promise is pending, nothing
 * more is read from this client. If a method throws or its promise rejects, the client gets `451 4.3.0`.
 */
export interface Host {
  /**
   * A client has connected. A 5xx reply is sent in place of the greeting, and the client may then only send QUIT. A 4xx
   * reply is sent as 421 and closes the connection.
   */
  connect?(client: Client): Answer
  /** The client has sent credentials, which the engine has not checked. Accepting logs the client in as that user. */
  login?(question: QuestionOf<'login'>, client: Client): Answer
  /** MAIL: the sender's syntax is valid. */
  sender?(question: QuestionOf<'sender'>, client: Client): Answer
  /** RCPT: the recipient's syntax is valid. Asked for each recipient, up to the limit. */
  recipient?(question: QuestionOf<'recipient'>, client: Client): Answer
  /** A message is about to come. Returns the sink for its content, or the reply that refuses it. */
  message(transaction: Transaction, client: Client): MessageSink | Reply | Promise<MessageSink | Reply>
}

/** Takes the content of one message. Either `deliver` or `discard` is called, once, as the last call. */
export interface MessageSink {
  /** Takes the next bytes, which must not be changed. While a promise is pending, the client has to wait. */
  write(bytes: Buffer): void | Promise<void>
  /** The message is complete. Accept only when it is stored safely: the client then forgets it. */
  deliver(): Answer
  /**
   * The message will never be complete: release what it held. If this returns a promise, the connection ends when it
   * has settled.
   */
  discard(): void
}
