/**
 * Delivery: from a message that the engine receives to a backend that accepts it, and back to the reply. `filter` answers
 * the engine's questions `sender` and `recipient`, `dispatcher` the question `message`. All backends implement `Relay`. One
 * table, `errorTable`, maps the errors of all backends to replies.
 *
 * @module aws-smtp-relay/relay
 */

export type { Clock } from '../support/clock.ts'
export type { EventHandler } from '../support/emit.ts'
export { compileExpression, type Expression } from '../support/expression.ts'
export type { Upstream } from './aws/client.ts'
export { type PinpointOptions, pinpoint } from './aws/pinpoint.ts'
export { ses } from './aws/ses.ts'
export type { SesOptions } from './aws/ses-options.ts'
export { sesv2 } from './aws/sesv2.ts'
export type { Content } from './content.ts'
export type { DeliveryOptions } from './delivery.ts'
export { discard } from './discard.ts'
export { type DispatcherOptions, dispatcher, worstCaseBytes } from './dispatcher.ts'
export { classify, type DeliveryFailure } from './errors/delivery-failure.ts'
export type { ErrorInfo } from './errors/error-info.ts'
export { type ErrorRule, errorTable } from './errors/error-table.ts'
export { Refused } from './errors/refused.ts'
export type { CallOutcome, Delivery, MessageEnd, MessageEvent, UpstreamCall } from './events.ts'
export { compileRules, type FilterRules, filter } from './filter.ts'
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
