import { type Clock, systemClock } from '../support/clock.ts'
import { type EventHandler, emit } from '../support/emit.ts'
import { Semaphore } from '../support/semaphore.ts'
import type { DeliveryClaim, ReplyOutcome } from './delivery-claim.ts'
import { logText } from './errors/error-info.ts'
import { outcomeOf, replyFor } from './errors/error-table.ts'
import { isRetryable, retryDelayMs } from './errors/retry.ts'
import type { UpstreamCall } from './events.ts'
import { RateLimiter } from './limits/rate-limiter.ts'
import { DuplicateInFlight, PartialDeliveries, type RememberLimits } from './partial-deliveries.ts'
import { type Message, PartialFailure, type Receipt, type Relay } from './relay.ts'
import { acceptedResult, rejectedResult, type SendResult } from './send-result.ts'

/** How a courier goes about it. */
export interface DeliveryOptions {
  /** How fast recipients are handed on; without limit if left out. */
  readonly rateLimiter?: RateLimiter
  /** Milliseconds that a mail may wait: for its like, its turn, the pace and further tries (20,000 if left out). */
  readonly maxWaitMs?: number
  /** How much is remembered of messages that were delivered to some of their recipients. */
  readonly remember?: RememberLimits
  /** The system's if left out. */
  readonly clock?: Clock
  /** Hears of every call to the backend as it ends. */
  readonly onEvent?: EventHandler<UpstreamCall> | undefined
}

/** What became of one call for some of its recipients, or that none was made for them. */
export interface CallReport {
  /** The recipients for whom this holds. */
  readonly to: readonly string[]
  /** Milliseconds that the backend took; left out if no call was made because none was needed. */
  readonly durationMs?: number
  /** Why no call was made although nothing went wrong; left out otherwise. */
  readonly skipped?: string
  /** `<name>: <message>` of what went wrong; left out when the backend accepted the mail. */
  readonly error?: string
  /** The backend's name of the mail. */
  readonly messageId?: string
}

/** What the calls of one message share. */
interface DeliveryContext {
  readonly claim: DeliveryClaim
  /** When waiting ends, for whatever it is. */
  readonly deadline: number
  readonly onCall: (call: CallReport) => void
}

/** How a call ended, and when. */
interface CallResult extends SendResult {
  /** Milliseconds that the backend took; `undefined` where it did not come to that. */
  readonly durationMs: number | undefined
}

/** What the log says of recipients that are left out. */
const alreadyDelivered = 'already delivered by an earlier attempt'

/** Takes whole messages to a backend, in as many calls as that needs, so that each recipient gets each message once. */
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
    this.#semaphore = new Semaphore(relay.maxConcurrentCalls, clock)
    this.#rateLimiter = rateLimiter
    this.#maxWaitMs = maxWaitMs
    this.#clock = clock
    this.#partial = new PartialDeliveries(remember, clock)
    this.#onEvent = onEvent
  }

  /**
   * Resolves once every recipient's message is safe, with the receipt of the first call; rejects with what went wrong.
   * `onCall` hears of every call as it ends, of those that are made again too, in parts where recipients fared
   * differently; and of recipients for which no call is made, because they have the message from an earlier attempt.
   * @param client names the client: only its own earlier attempts count
   * @param isGone true if the client has left and will not hear what becomes of the message; asked at the end
   */
  async deliver(
    message: Message,
    client: string,
    onCall: (call: CallReport) => void,
    isGone: () => boolean = () => false,
  ): Promise<Receipt> {
    const deadline = this.#clock.now() + this.#maxWaitMs
    const claim = await this.#claim(message, client, onCall)
    let told: ReplyOutcome = 'temporary'
    try {
      if (claim.skipped.length > 0) onCall({ to: claim.skipped, skipped: alreadyDelivered })
      const missing = { ...message, recipients: claim.missing }
      const receipt = await this.#deliverInBatches(missing, { claim, deadline, onCall })
      told = 'accepted'
      return receipt
    } catch (error) {
      if (replyFor(error).code >= 500) told = 'permanent'
      throw error
    } finally {
      // After a 4xx, a client that has left comes again like one that has heard it.
      claim.settle(told !== 'temporary' && isGone() ? 'unheard' : told)
    }
  }

  async #claim(message: Message, client: string, onCall: (call: CallReport) => void): Promise<DeliveryClaim> {
    try {
      const atomic = this.#isAtomic(message)
      return await this.#partial.claim(message, { client, atomic, maxWaitMs: this.#maxWaitMs })
    } catch (error) {
      if (error instanceof DuplicateInFlight) {
        onCall({ to: message.recipients, durationMs: 0, error: logText(error) })
      }
      throw error
    }
  }

  /** True if one call delivers the message to all of its recipients or to none. */
  #isAtomic({ recipients }: Message): boolean {
    const { maxRecipientsPerCall = recipients.length, answersPerRecipient = false } = this.#relay
    return recipients.length <= (answersPerRecipient ? 1 : maxRecipientsPerCall)
  }

  async #deliverInBatches(message: Message, context: DeliveryContext): Promise<Receipt> {
    let first: Receipt = {}
    let failure: PartialFailure | undefined
    // One after the other: a call that fails keeps those after it from being made, and the client hears of it.
    for (const recipients of batches(message.recipients, this.#relay.maxRecipientsPerCall)) {
      try {
        const receipt = await this.#deliverWithRetries({ ...message, recipients }, context)
        if (first.messageId === undefined) first = receipt
      } catch (error) {
        // The client does not come again for recipients that are refused for good: this is the others' only chance.
        if (!(error instanceof PartialFailure) || replyFor(error).code < 500) throw error
        failure ??= error
      }
    }
    if (failure) throw failure
    return first
  }

  /** Makes one call, and makes it again in time for those recipients for which that can help. */
  async #deliverWithRetries(message: Message, context: DeliveryContext): Promise<Receipt> {
    const lost = new Map<string, unknown>()
    let first: Receipt = {}
    let recipients = message.recipients
    for (let tries = 1; recipients.length > 0; tries++) {
      const { receipt, rejected } = await this.#call({ ...message, recipients }, context, tries > 1)
      if (first.messageId === undefined) first = receipt
      context.claim.add(recipients.filter(recipient => !rejected.has(recipient)))
      const delayMs = retryDelayMs(tries)
      const inTime = delayMs !== undefined && this.#clock.now() + delayMs <= context.deadline
      // Thousands of recipients may have one error, which is classified once.
      const passing = new Set(inTime ? [...new Set(rejected.values())].filter(isRetryable) : [])
      for (const [recipient, error] of rejected) if (!passing.has(error)) lost.set(recipient, error)
      recipients = [...rejected.keys()].filter(recipient => !lost.has(recipient))
      if (recipients.length > 0) await this.#clock.sleep(delayMs!)
    }
    if (lost.size === 0) return first
    const [error, ...others] = new Set(lost.values())
    if (others.length === 0 && lost.size === message.recipients.length) throw error
    throw new PartialFailure(temporaryFirst(lost), first)
  }

  /** Makes one call, and tells of it. @param isRetry it is not the first one for these recipients */
  async #call(
    message: Message,
    { deadline, onCall }: DeliveryContext,
    isRetry: boolean,
  ): Promise<CallResult> {
    const outcome = await this.#send(message, deadline)
    const { receipt, rejected, durationMs } = outcome
    const accepted = message.recipients.filter(recipient => !rejected.has(recipient))
    if (durationMs !== undefined && this.#onEvent !== undefined) {
      const [error] = rejected.values()
      const made = accepted.length > 0 ? 'accepted' : outcomeOf(error)
      emit(this.#onEvent, { type: 'call', relay: this.#relay.name, outcome: made, durationMs, isRetry })
    }
    const tookMs = Math.round(durationMs ?? 0)
    if (accepted.length > 0) onCall({ to: accepted, durationMs: tookMs, ...receipt })
    for (const [error, to] of groupByText(rejected)) onCall({ to, durationMs: tookMs, error })
    return outcome
  }

  /** Waits until the call may be made, and makes it. Never rejects. */
  async #send(mail: Message, deadline: number): Promise<CallResult> {
    const { recipients } = mail
    let begunAt: number | undefined
    const took = () => (begunAt === undefined ? undefined : this.#clock.now() - begunAt)
    try {
      await this.#semaphore.acquire(deadline - this.#clock.now())
      try {
        await this.#rateLimiter.acquire(recipients.length, deadline - this.#clock.now())
        begunAt = this.#clock.now()
        return { ...acceptedResult(await this.#relay.send(mail)), durationMs: took() }
      } finally {
        this.#semaphore.release()
      }
    } catch (error) {
      return { ...rejectedResult(recipients, error), durationMs: took() }
    }
  }
}

/** What may still pass speaks for all, so that the client comes again. */
function temporaryFirst(lost: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> {
  const codes = new Map([...new Set(lost.values())].map(error => [error, replyFor(error).code]))
  return new Map([...lost].sort(([, a], [, b]) => codes.get(a)! - codes.get(b)!))
}

/** The recipients of each error, as the log has it. Each error is described once, however many recipients it has. */
function groupByText(refused: ReadonlyMap<string, unknown>): ReadonlyMap<string, readonly string[]> {
  const texts = new Map([...new Set(refused.values())].map(error => [error, logText(error)]))
  const groups = new Map<string, string[]>()
  for (const [recipient, error] of refused) {
    const text = texts.get(error)!
    const group = groups.get(text)
    if (group === undefined) groups.set(text, [recipient])
    else group.push(recipient)
  }
  return groups
}

function* batches(recipients: readonly string[], size = recipients.length): Generator<readonly string[]> {
  for (let first = 0; first < recipients.length; first += size) yield recipients.slice(first, first + size)
}
