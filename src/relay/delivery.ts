/*
 * Theory of operation
 *
 * There is no queue. A message is delivered while its client waits for the reply, and 250 means that the backend has
 * accepted the message for every recipient. With any other reply the client keeps the message.
 *
 * Batches. The recipients go to the backend in as many calls as its `maxRecipientsPerCall` demands, one after the other. A
 * call that fails ends the delivery: the later calls are not made, and the client gets the reply. If the backend accepted
 * the message for some recipients of a call and rejected it for good for the others, the later calls are made, because the
 * client will not retry.
 *
 * Limits. A call first takes a permit of the semaphore (`maxConcurrentCalls`), then waits for the rate limiter. Both waits,
 * the wait for an identical message and the delays of retries end `maxWaitMs` after the delivery began. A call itself is
 * not interrupted: its timeout belongs to the backend.
 *
 * Retries. A call is repeated only if the backend answered that it did not accept the message, and may accept it in a
 * moment (`retryable` in the error table: throttling, a 5xx of AWS itself), and only for the recipients that this concerns.
 * There are up to 5 tries, 0.5 s, 1 s, 2 s and 4 s apart, less a random half. A call that ended without an answer is never
 * repeated, because the backend may have accepted the message.
 *
 * Partial failure. SMTP has one reply for all recipients. If some have the message and others do not, the reply is the one
 * of a recipient that failed, a temporary failure before a permanent one, so that the client retries. After a temporary
 * failure, `PartialDeliveries` remembers the recipients that have the message, and the client's retry leaves them out.
 *
 * Duplicates. No recipient gets a message twice because the relay retried, or because a client retried after a 4xx. Three
 * cases remain, in which a recipient may get a message twice:
 *
 * - A call ended without an answer, although the backend had accepted the message. The client gets 4xx and retries.
 * - The client sends a message again while the first attempt is in flight, and one call takes all of its recipients (at most
 *   50 with SES). Both are delivered: two equal messages at once are more often two messages, for example two alerts of an
 *   application, than a retry, and to drop one of two messages is worse than to deliver one twice. A message that takes
 *   several calls waits for the first attempt.
 * - The reply came too late: the client had left, or the server had answered 451 because the backend took longer than the
 *   server waits for its host (at least 300 s). The outcome is not remembered, because a client that did get 250 looks the
 *   same, and its next equal message must be delivered.
 *
 * The memory of `PartialDeliveries` is lost when the process ends, and is not shared between workers.
 */

import type { Reply } from '../protocol/index.ts'
import { type Clock, systemClock } from '../support/clock.ts'
import { type EventHandler, emit } from '../support/emit.ts'
import { Semaphore } from '../support/semaphore.ts'
import type { DeliveryClaim, ReplyOutcome } from './delivery-claim.ts'
import { classify, type DeliveryFailure } from './errors/delivery-failure.ts'
import { toReplyText } from './errors/error-info.ts'
import type { UpstreamCall } from './events.ts'
import { RateLimiter } from './limits/rate-limiter.ts'
import { PartialDeliveries, type RememberLimits } from './partial-deliveries.ts'
import { type Message, PartialFailure, type Receipt, type Relay } from './relay.ts'
import { retryDelayMs } from './retry-delay.ts'

/** The settings of deliveries to a backend. */
export interface DeliveryOptions {
  /** Limits the recipients per second. Without limit if left out. */
  readonly rateLimiter?: RateLimiter
  /**
   * Milliseconds that a message may wait in total: for an identical message in flight, a free connection, the rate limiter,
   * and retries (20,000 if left out).
   */
  readonly maxWaitMs?: number
  /** How much is remembered of messages that were delivered to some of their recipients. */
  readonly remember?: RememberLimits
  /** The system clock if left out. */
  readonly clock?: Clock
  /** Receives an event for every call of the backend when it ends. */
  readonly onEvent?: EventHandler<UpstreamCall> | undefined
}

/** What became of a message for some of its recipients: one call's result, or why no call was made. */
export interface CallReport {
  /** The recipients that this concerns. */
  readonly to: readonly string[]
  /** Milliseconds that the call took, 0 if there was none because of `error`. Left out if `skipped`. */
  readonly durationMs?: number
  /** Why no call was necessary. Left out if one was. */
  readonly skipped?: string
  /** `<name>: <message>` of the error. Left out if the backend accepted the message. */
  readonly error?: string
  /** The backend's ID of the message. */
  readonly messageId?: string
}

/** How a delivery ended. */
export type DeliveryResult =
  | {
      /** The backend has accepted the message for every recipient. */
      readonly type: 'delivered'
      /** That of the first call that returned an ID. */
      readonly receipt: Receipt
    }
  | {
      /** At least one recipient does not have the message. */
      readonly type: 'failed'
      readonly reply: Reply
    }

/** What the calls of one message have in common. */
interface DeliveryContext {
  readonly message: Message
  readonly claim: DeliveryClaim
  /** When all waiting ends, on the clock. */
  readonly deadline: number
  readonly onCall: (call: CallReport) => void
}

/** How a call, or all tries of a call, ended. The recipients that are not in `failures` have the message. */
interface SendResult {
  readonly receipt: Receipt
  readonly failures: Failures
}

/** How one call ended. */
interface CallResult extends SendResult {
  /** Milliseconds that the backend took; `undefined` if the call was not made. */
  readonly durationMs: number | undefined
}

/** Why recipients do not have the message. Recipients with the same error have the same failure. */
type Failures = ReadonlyMap<string, DeliveryFailure>

const noFailures: Failures = new Map()

/** The log's reason for recipients that are left out. */
const alreadyDelivered = 'already delivered by an earlier attempt'

/** Delivers messages to a backend, in as many calls as necessary. See "Theory of operation". */
export class DeliveryAgent {
  readonly #relay: Relay
  readonly #semaphore: Semaphore
  readonly #rateLimiter: RateLimiter
  readonly #maxWaitMs: number
  readonly #clock: Clock
  readonly #partial: PartialDeliveries
  readonly #onEvent: EventHandler<UpstreamCall> | undefined

  constructor(
    relay: Relay,
    {
      rateLimiter = new RateLimiter(),
      maxWaitMs = 20_000,
      remember,
      clock = systemClock,
      onEvent,
    }: DeliveryOptions,
  ) {
    this.#relay = relay
    this.#semaphore = new Semaphore(relay.maxConcurrentCalls ?? Number.POSITIVE_INFINITY, { clock })
    this.#rateLimiter = rateLimiter
    this.#maxWaitMs = maxWaitMs
    this.#clock = clock
    this.#partial = new PartialDeliveries(remember, clock)
    this.#onEvent = onEvent
  }

  /**
   * Delivers a message. Resolves when every recipient has it, or with the first failure that ends the delivery.
   * @param client identifies the client; earlier attempts of other clients do not count
   * @param onCall called for every call when it ends, retries included, once for each group of recipients with the same
   *   result; and for recipients that are left out because they have the message from an earlier attempt
   * @param isGone called at the end; returns true if the client has left and will not receive the reply
   */
  async deliver(
    message: Message,
    client: string,
    onCall: (call: CallReport) => void,
    isGone: () => boolean = () => false,
  ): Promise<DeliveryResult> {
    const deadline = this.#clock.now() + this.#maxWaitMs
    let claim: DeliveryClaim
    try {
      const atomic = this.#isAtomic(message)
      claim = await this.#partial.claim(message, { client, atomic, maxWaitMs: this.#maxWaitMs })
    } catch (error) {
      const { reply, logText } = classify(error)
      onCall({ to: message.recipients, durationMs: 0, error: logText })
      return { type: 'failed', reply }
    }
    let outcome: ReplyOutcome = 'temporary'
    try {
      if (claim.skipped.length > 0) onCall({ to: claim.skipped, skipped: alreadyDelivered })
      const result = await this.#deliverInBatches({ message, claim, deadline, onCall })
      if (result.type === 'delivered') outcome = 'accepted'
      else if (result.reply.code >= 500) outcome = 'permanent'
      return result
    } finally {
      // After a 4xx, a client retries whether or not it has received the reply.
      claim.settle(outcome !== 'temporary' && isGone() ? 'disconnected' : outcome)
    }
  }

  /** Returns true if one call delivers the message to all of its recipients or to none. */
  #isAtomic({ recipients }: Message): boolean {
    const { maxRecipientsPerCall = recipients.length, answersPerRecipient = false } = this.#relay
    return recipients.length <= (answersPerRecipient ? 1 : maxRecipientsPerCall)
  }

  async #deliverInBatches(context: DeliveryContext): Promise<DeliveryResult> {
    let receipt: Receipt = {}
    let rejection: Reply | undefined
    for (const recipients of batches(context.claim.missing, this.#relay.maxRecipientsPerCall)) {
      const result = await this.#deliverWithRetries(recipients, context)
      if (receipt.messageId === undefined) receipt = result.receipt
      if (result.failures.size === 0) continue
      const common = commonFailure(result.failures, recipients)
      const reply = common?.reply ?? replyForSome(result.failures)
      // The client does not retry after a 5xx, so the remaining recipients can only get the message now.
      if (common !== undefined || reply.code < 500) return { type: 'failed', reply }
      rejection ??= reply
    }
    return rejection === undefined ? { type: 'delivered', receipt } : { type: 'failed', reply: rejection }
  }

  /** Makes one call, and repeats it for the recipients whose failure is retryable, until the deadline. */
  async #deliverWithRetries(batch: readonly string[], context: DeliveryContext): Promise<SendResult> {
    let lost: Map<string, DeliveryFailure> | undefined
    let receipt: Receipt = {}
    let recipients = batch
    for (let tries = 1; ; tries++) {
      const result = await this.#callOnce(recipients, context, tries > 1)
      if (receipt.messageId === undefined) receipt = result.receipt
      if (result.failures.size === 0) {
        context.claim.add(recipients)
        return { receipt, failures: lost ?? noFailures }
      }
      context.claim.add(recipients.filter(recipient => !result.failures.has(recipient)))
      const delayMs = retryDelayMs(tries)
      const inTime = delayMs !== undefined && this.#clock.now() + delayMs <= context.deadline
      const again: string[] = []
      lost ??= new Map()
      for (const [recipient, failure] of result.failures) {
        if (inTime && failure.retryable) again.push(recipient)
        else lost.set(recipient, failure)
      }
      if (again.length === 0) return { receipt, failures: lost }
      recipients = again
      await this.#clock.sleep(delayMs!)
    }
  }

  /** Makes one call, and reports it. @param isRetry an earlier call was made for these recipients */
  async #callOnce(
    recipients: readonly string[],
    { message, deadline, onCall }: DeliveryContext,
    isRetry: boolean,
  ): Promise<CallResult> {
    const result = await this.#waitAndSend({ ...message, recipients }, deadline)
    const { receipt, failures, durationMs } = result
    const accepted =
      failures.size === 0 ? recipients : recipients.filter(recipient => !failures.has(recipient))
    if (durationMs !== undefined && this.#onEvent !== undefined) {
      const [failure] = failures.values()
      const outcome = accepted.length > 0 ? 'accepted' : failure!.outcome
      emit(this.#onEvent, { type: 'call', relay: this.#relay.name, outcome, durationMs, isRetry })
    }
    const roundedMs = Math.round(durationMs ?? 0)
    if (accepted.length > 0) onCall({ to: accepted, durationMs: roundedMs, ...receipt })
    if (failures.size > 0) {
      for (const [error, to] of groupByText(failures)) onCall({ to, durationMs: roundedMs, error })
    }
    return result
  }

  /** Waits until the call may be made, and makes it. Never rejects: every error becomes a failure here. */
  async #waitAndSend(message: Message, deadline: number): Promise<CallResult> {
    let startedAt: number | undefined
    const durationMs = () => (startedAt === undefined ? undefined : this.#clock.now() - startedAt)
    try {
      if (!(await this.#semaphore.acquire(deadline - this.#clock.now()))) throw this.#tooManyCalls()
      try {
        await this.#rateLimiter.acquire(message.recipients.length, deadline - this.#clock.now())
        startedAt = this.#clock.now()
        const receipt = readReceipt(await this.#relay.send(message))
        return { receipt, failures: noFailures, durationMs: durationMs() }
      } finally {
        this.#semaphore.release()
      }
    } catch (error) {
      return { ...resultOf(error, message.recipients), durationMs: durationMs() }
    }
  }

  #tooManyCalls(): Error {
    const text = `all of the ${this.#relay.maxConcurrentCalls} concurrent calls that are allowed are in use`
    return Object.assign(new Error(text), { name: 'TooManyCalls' })
  }
}

/** Classifies what `send` rejected with. Each error is classified once, however many recipients it concerns. */
function resultOf(error: unknown, recipients: readonly string[]): SendResult {
  if (!(error instanceof PartialFailure)) return failForAll(error, recipients)
  const called = new Set(recipients)
  for (const recipient of error.refused.keys()) {
    if (called.has(recipient)) continue
    // Some recipient does not have the message, but it is unknown which one. A duplicate is better than a lost message.
    const text = `the PartialFailure names ${recipient}, which is not a recipient of this call`
    return failForAll(new Error(text), recipients)
  }
  const classified = new Map<unknown, DeliveryFailure>()
  const failures = new Map<string, DeliveryFailure>()
  for (const [recipient, reason] of error.refused) {
    const failure = classified.get(reason) ?? classify(reason)
    classified.set(reason, failure)
    failures.set(recipient, failure)
  }
  return { receipt: readReceipt(error.receipt), failures }
}

function failForAll(error: unknown, recipients: readonly string[]): SendResult {
  const failure = classify(error)
  return { receipt: {}, failures: new Map(recipients.map(recipient => [recipient, failure])) }
}

/** Reads a receipt of a backend, which may be of any type at run time. Only an ID that can be printed is used. */
function readReceipt(returned: unknown): Receipt {
  const { messageId } = Object(returned)
  if (typeof messageId === 'number') return { messageId: String(messageId) }
  return typeof messageId === 'string' && toReplyText(messageId) !== '' ? { messageId } : {}
}

/** The failure that all recipients of a call have in common, if there is one. */
function commonFailure(failures: Failures, recipients: readonly string[]): DeliveryFailure | undefined {
  if (failures.size < recipients.length) return undefined
  let common: DeliveryFailure | undefined
  for (const failure of failures.values()) {
    common ??= failure
    if (failure !== common) return undefined
  }
  return common
}

/** The reply if recipients have different results. A temporary failure comes first, so that the client retries. */
function replyForSome(failures: Failures): Reply {
  let [first] = failures
  for (const entry of failures) if (entry[1].reply.code < first![1].reply.code) first = entry
  const [recipient, failure] = first!
  return failure.replyNaming(recipient)
}

/** The recipients of each error text, for the log. */
function groupByText(failures: Failures): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>()
  for (const [recipient, { logText }] of failures) {
    const group = groups.get(logText)
    if (group === undefined) groups.set(logText, [recipient])
    else group.push(recipient)
  }
  return groups
}

function* batches(recipients: readonly string[], size = recipients.length): Generator<readonly string[]> {
  for (let first = 0; first < recipients.length; first += size) yield recipients.slice(first, first + size)
}
