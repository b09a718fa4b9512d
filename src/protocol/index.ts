/**
 * The SMTP engine: a machine that reads bytes and asks questions. It imports nothing; sockets, TLS, clocks, passwords
 * and delivery belong to whoever drives it.
 *
 * @module aws-smtp-relay/protocol
 */

export type { Event, Notice, Parameters, Path, Question, Transaction, Verdict } from './events.ts'
export { isQuestion } from './events.ts'
export type { Answer, Asked, Client, Host, MessageSink } from './host.ts'
export { replies } from './replies.ts'
export { format, type Reply, refuses, reply } from './reply.ts'
export type { Credentials, Exchange, Mechanism, Step } from './sasl.ts'
export { type Peer, Session } from './session.ts'
export { defaultLimits, defaultSettings, type Limits, type Settings } from './settings.ts'
export { tell, type Witness } from './witness.ts'
