import { tell, type Witness } from '../protocol/witness.ts'
import type { Claim, Told } from './claim.ts'
import { type Clock, systemClock } from './clock.ts'
import type { UpstreamCall } from './delivery.ts'
import { outcomeOf, refusal } from './failures.ts'
import { describe } from './fault.ts'
import { Gate } from './gate.ts'
import { failed, type Outcome, taken } from './outcome.ts'
import { Pace } from './pace.ts'
import { DuplicateInFlight, PartialDeliveries, type RememberLimits } from './partial-deliveries.ts'
import { type Mail, PartialFailure, type Receipt, type Relay } from './relay.ts'
import { mayPass, retryDelayMs } from './retry.ts'

/** How a courier goes about it. */
export interface Manner {
  /** How fast recipients are handed on; without limit if left out. */
  readonly pace?: Pace
  /** Milliseconds that a mail may wait: for its like, its turn, the pace and further tries (20,000 if left out). */
  readonly patienceMs?: number
  /** How much is remembered of messages that were delivered to some of their recipients. */
  readonly remember?: RememberLimits
  /** The system's if left out. */
  readonly clock?: Clock
  /** Hears of every call to the backend as it ends. */
  readonly witness?: Witness<UpstreamCall> | undefined
}

/** What became of one call for some of its recipients, or that none was made for them. */
export interface Call {
  /** The recipients for whom this holds. */
  readonly to: readonly string[]
  /** Milliseconds that the backend took; left out if no call was made because none was needed. */
  readonly ms?: number
  /** Why no call was made although nothing went wrong; left out otherwise. */
  readonly skipped?: string
  /** `<name>: <message>` of what went wrong; left out when the backend accepted the mail. */
  readonly error?: string
  /** The backend's name of the mail. */
  readonly messageId?: string
}

/** What the calls of one message share. */
interface DeliveryContext {
  readonly claim: Claim
  /** When waiting ends, for whatever it is. */
  readonly deadline: number
  readonly onCall: (call: Call) => void
}

/** How a call ended, and when. */
interface Ended extends Outcome {
  /** Milliseconds that the backend took; `undefined` where it did not come to that. */
  readonly ms: number | undefined
}

/** What the log says of recipients that are left out. */
const alreadyDelivered = 'already delivered by an earlier attempt'

/** Takes whole messages to a backend, in as many calls as that needs, so that each recipient gets each message once. */
export class Courier {
  readonly #relay: Relay
  readonly #gate: Gate
  readonly #pace: Pace
  readonly #patienceMs: number
  readonly #clock: Clock
  readonly #partial: PartialDeliveries
  readonly #witness: Witness<UpstreamCall> | undefined

  constructor(
    relay: Relay,
    { pace = new Pace(), patienceMs = 20_000, remember, clock = systemClock, witness }: Manner,
  ) {
    this.#relay = relay
    this.#gate = new Gate(relay.maxCalls, clock)
    this.#pace = pace
    this.#patienceMs = patienceMs
    this.#clock = clock
    this.#partial = new PartialDeliveries(remember, clock)
    this.#witness = witness
  }

  /**
   * Resolves once every recipient's message is safe, with the receipt of the first call; rejects with what went wrong.
   * `onCall` hears of every call as it ends, of those that are made again too, in parts where recipients fared
   * differently; and of recipients for which no call is made, because they have the message from an earlier attempt.
   * @param client names the client: only its own earlier attempts count
   * @param isGone true if the client has left and will not hear what becomes of the message; asked at the end
   */
  async deliver(
    message: Mail,
    client: string,
    onCall: (call: Call) => void,
    isGone: () => boolean = () => false,
  ): Promise<Receipt> {
    const deadline = this.#clock.now() + this.#patienceMs
    const claim = await this.#claim(message, client, onCall)
    let told: Told = 'temporary'
    try {
      if (claim.skipped.length > 0) onCall({ to: claim.skipped, skipped: alreadyDelivered })
      const missing = { ...message, recipients: claim.missing }
      const receipt = await this.#deliverInBatches(missing, { claim, deadline, onCall })
      told = 'accepted'
      return receipt
    } catch (error) {
      if (refusal(error).code >= 500) told = 'permanent'
      throw error
    } finally {
      // After a 4xx, a client that has left comes again like one that has heard it.
      claim.settle(told !== 'temporary' && isGone() ? 'unheard' : told)
    }
  }

  async #claim(message: Mail, client: string, onCall: (call: Call) => void): Promise<Claim> {
    try {
      const atomic = this.#isAtomic(message)
      return await this.#partial.claim(message, { client, atomic, maxWaitMs: this.#patienceMs })
    } catch (error) {
      if (error instanceof DuplicateInFlight) {
        onCall({ to: message.recipients, ms: 0, error: describe(error) })
      }
      throw error
    }
  }

  /** True if one call delivers the message to all of its recipients or to none. */
  #isAtomic({ recipients }: Mail): boolean {
    const { maxRecipientsPerCall = recipients.length, answersPerRecipient = false } = this.#relay
    return recipients.length <= (answersPerRecipient ? 1 : maxRecipientsPerCall)
  }

  async #deliverInBatches(message: Mail, context: DeliveryContext): Promise<Receipt> {
    let first: Receipt = {}
    let failure: PartialFailure | undefined
    // One after the other: a call that fails keeps those after it from being made, and the client hears of it.
    for (const recipients of batches(message.recipients, this.#relay.maxRecipientsPerCall)) {
      try {
        const receipt = await this.#deliverWithRetries({ ...message, recipients }, context)
        if (first.messageId === undefined) first = receipt
      } catch (error) {
        // The client does not come again for recipients that are refused for good: this is the others' only chance.
        if (!(error instanceof PartialFailure) || refusal(error).code < 500) throw error
        failure ??= error
      }
    }
    if (failure) throw failure
    return first
  }

  /** Makes one call, and makes it again in time for those recipients for which that can help. */
  async #deliverWithRetries(message: Mail, context: DeliveryContext): Promise<Receipt> {
    const lost = new Map<string, unknown>()
    let first: Receipt = {}
    let recipients = message.recipients
    for (let tries = 1; recipients.length > 0; tries++) {
      const { receipt, refused } = await this.#call({ ...message, recipients }, context, tries > 1)
      if (first.messageId === undefined) first = receipt
      context.claim.add(recipients.filter(recipient => !refused.has(recipient)))
      const delayMs = retryDelayMs(tries)
      const inTime = delayMs !== undefined && this.#clock.now() + delayMs <= context.deadline
      // Thousands of recipients may have one error, which is classified once.
      const passing = new Set(inTime ? [...new Set(refused.values())].filter(mayPass) : [])
      for (const [recipient, error] of refused) if (!passing.has(error)) lost.set(recipient, error)
      recipients = [...refused.keys()].filter(recipient => !lost.has(recipient))
      if (recipients.length > 0) await this.#clock.sleep(delayMs!)
    }
    if (lost.size === 0) return first
    const [error, ...others] = new Set(lost.values())
    if (others.length === 0 && lost.size === message.recipients.length) throw error
    throw new PartialFailure(temporaryFirst(lost), first)
  }

  /** Makes one call, and tells of it. @param again it is not the first one for these recipients */
  async #call(message: Mail, { deadline, onCall }: DeliveryContext, again: boolean): Promise<Ended> {
    const outcome = await this.#send(message, deadline)
    const { receipt, refused, ms } = outcome
    const accepted = message.recipients.filter(recipient => !refused.has(recipient))
    if (ms !== undefined && this.#witness !== undefined) {
      const [error] = refused.values()
      const made = accepted.length > 0 ? 'accepted' : outcomeOf(error)
      tell(this.#witness, { type: 'call', relay: this.#relay.name, outcome: made, ms, again })
    }
    const tookMs = Math.round(ms ?? 0)
    if (accepted.length > 0) onCall({ to: accepted, ms: tookMs, ...receipt })
    for (const [error, to] of byText(refused)) onCall({ to, ms: tookMs, error })
    return outcome
  }

  /** Waits until the call may be made, and makes it. Never rejects. */
  async #send(mail: Mail, deadline: number): Promise<Ended> {
    const { recipients } = mail
    let begunAt: number | undefined
    const took = () => (begunAt === undefined ? undefined : this.#clock.now() - begunAt)
    try {
      await this.#gate.enter(deadline - this.#clock.now())
      try {
        await this.#pace.take(recipients.length, deadline - this.#clock.now())
        begunAt = this.#clock.now()
        return { ...taken(await this.#relay.send(mail)), ms: took() }
      } finally {
        this.#gate.leave()
      }
    } catch (error) {
      return { ...failed(recipients, error), ms: took() }
    }
  }
}

/** What may still pass speaks for all, so that the client comes again. */
function temporaryFirst(lost: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> {
  const codes = new Map([...new Set(lost.values())].map(error => [error, refusal(error).code]))
  return new Map([...lost].sort(([, a], [, b]) => codes.get(a)! - codes.get(b)!))
}

/** The recipients of each error, as the log has it. Each error is described once, however many recipients it has. */
function byText(refused: ReadonlyMap<string, unknown>): ReadonlyMap<string, readonly string[]> {
  const texts = new Map([...new Set(refused.values())].map(error => [error, describe(error)]))
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
