/**
 * The SMTP engine: a machine that reads bytes and asks questions. It imports nothing; sockets, TLS, clocks, passwords
 * and delivery belong to whoever drives it.
 *
 * @module aws-smtp-relay/protocol
 */

export type {
  Action,
  Event,
  HostReply,
  Parameters,
  Path,
  Question,
  Transaction,
} from './events.ts'
export { isQuestion } from './events.ts'
export { detached, readUtf8 } from './grammar.ts'
export type { Answer, Client, Host, MessageSink, QuestionOf } from './host.ts'
export { replies } from './replies.ts'
export { format, isFailure, type Reply, reply } from './reply.ts'
export type { Credentials, Mechanism, SaslServer, Step } from './sasl.ts'
export { type Peer, Session } from './session.ts'
export { defaultLimits, defaultSettings, type Limits, type SessionSettings } from './settings.ts'
