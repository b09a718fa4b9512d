/**
 * The SMTP engine: a state machine that reads bytes and returns events. It imports nothing; sockets, TLS, clocks,
 * passwords and delivery belong to the driver and the host.
 *
 * @module aws-smtp-relay/protocol
 */

export type { SentReply } from './event-queue.ts'
export type {
  Action,
  Event,
  HostReply,
  Parameters,
  Path,
  Question,
  SessionCloseReason,
  Transaction,
} from './events.ts'
export { isQuestion } from './events.ts'
export { detached, readUtf8 } from './grammar.ts'
export type { Answer, Client, Host, MessageSink, QuestionOf } from './host.ts'
export { type ReplyId, replies } from './replies.ts'
export { format, isFailure, type Reply, reply } from './reply.ts'
export type { Credentials, Mechanism, SaslServer, SaslStep } from './sasl.ts'
export { type Peer, Session, type SessionOptions } from './session.ts'
export { defaultLimits, defaultSettings, type Limits, type SessionSettings } from './settings.ts'
