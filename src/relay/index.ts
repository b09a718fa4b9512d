/**
 * The relay room: from a mail that the engine has read to a backend that has taken it, and back to the reply.
 * The filter is the host's `sender` and `recipient`, the dispatcher its `message`; backends are interchangeable behind
 * the port `Relay`; every error of any of them has its place in one table, `failures`.
 *
 * @module aws-smtp-relay/relay
 */

export { type PinpointOptions, pinpoint } from './aws/pinpoint.ts'
export { ses } from './aws/ses.ts'
export type { SesOptions } from './aws/ses-options.ts'
export { sesv2 } from './aws/sesv2.ts'
export type { Upstream } from './aws/upstream.ts'
export { type Allowance, Budget, type Eviction, leastBudget, type Share } from './budget.ts'
export type { Clock } from './clock.ts'
export type { Content } from './content.ts'
export type { Manner } from './courier.ts'
export type { CallOutcome, Delivery, MailEvent, MessageEnd, UpstreamCall } from './delivery.ts'
export type { Files } from './directory.ts'
export { discard } from './discard.ts'
export { dispatcher, largestHold, type Rules } from './dispatcher.ts'
export { type Failure, failures, refusal } from './failures.ts'
export { compileExpression, compileRules, type Expression, type FilterRules, filter } from './filter.ts'
export { maildir, maildirDeliveries } from './maildir.ts'
export { memoryLimits } from './memory-limits.ts'
export { Pace } from './pace.ts'
export type { RememberLimits } from './partial-deliveries.ts'
export { followQuota, type Quota } from './quota.ts'
export { RawContent } from './raw-content.ts'
export { Refused } from './refused.ts'
export { type Mail, PartialFailure, type Receipt, type Relay } from './relay.ts'
export { type Arrival, received } from './trace.ts'
