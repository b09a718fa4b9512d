/**
 * The relay room: from a mail that the engine has read to a backend that has taken it, and back to the reply.
 * The filter is the host's `sender` and `recipient`, the dispatcher its `message`; backends are interchangeable behind
 * the port `Relay`; every error of any of them has its place in one table, `failures`.
 *
 * @module aws-smtp-relay/relay
 */

export type { Clock } from '../support/clock.ts'
export type { EventHandler } from '../support/emit.ts'
export type { Upstream } from './aws/client.ts'
export { type PinpointOptions, pinpoint } from './aws/pinpoint.ts'
export { ses } from './aws/ses.ts'
export type { SesOptions } from './aws/ses-options.ts'
export { sesv2 } from './aws/sesv2.ts'
export type { Content } from './content.ts'
export type { DeliveryOptions } from './delivery.ts'
export { discard } from './discard.ts'
export { type DispatcherOptions, dispatcher, worstCaseBytes } from './dispatcher.ts'
export {
  type ErrorRule,
  errorTable,
  replyFor,
} from './errors/error-table.ts'
export { Refused } from './errors/refused.ts'
export type { CallOutcome, Delivery, MessageEnd, MessageEvent, UpstreamCall } from './events.ts'
export { compileExpression, compileRules, type Expression, type FilterRules, filter } from './filter.ts'
export {
  type Eviction,
  MemoryBudget,
  type MemoryBudgetOptions,
  minBudgetBytes,
  type Reservation,
} from './limits/memory-budget.ts'
export { memoryLimits } from './limits/memory-limits.ts'
export { RateLimiter } from './limits/rate-limiter.ts'
export { type QuotaOptions, trackSendQuota } from './limits/send-quota.ts'
export type { Files } from './maildir/directory-sync.ts'
export { maildir, maildirDeliveries } from './maildir/maildir.ts'
export type { RememberLimits } from './partial-deliveries.ts'
export { RawContent } from './raw-content.ts'
export { type ReceivedInfo, receivedHeader } from './received-header.ts'
export { type Message, PartialFailure, type Receipt, type Relay } from './relay.ts'
