/**
 * The relay room: from a mail that the engine has read to a backend that has taken it, and back to the reply.
 * The dispatcher is the host's `message`; backends are interchangeable behind the port `Relay`; every error of any
 * of them has its place in one table, `failures`.
 */
export { Content } from './content.ts'
export type { Delivery, DeliveryLog } from './delivery.ts'
export type { Files } from './directory.ts'
export { discard } from './discard.ts'
export { dispatcher, type Rules } from './dispatcher.ts'
export { type Failure, failures, refusal } from './failures.ts'
export { describe } from './fault.ts'
export { maildir } from './maildir.ts'
export type { Mail, Receipt, Relay } from './relay.ts'
export { type SesOptions, ses } from './ses.ts'
export { type Arrival, received } from './trace.ts'
export type { Upstream } from './upstream.ts'
