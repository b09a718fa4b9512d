import { tell, type Witness } from '../protocol/witness.ts'
import { type Clock, systemClock } from './clock.ts'
import type { UpstreamCall } from './delivery.ts'
import { outcomeOf, refusal } from './failures.ts'
import { describe } from './fault.ts'
import { Gate } from './gate.ts'
import { HalfDelivered, type Memory, StillUnderWay } from './half-delivered.ts'
import { failed, type Outcome, taken } from './outcome.ts'
import { Pace } from './pace.ts'
import { type Mail, PartialFailure, type Receipt, type Relay } from './relay.ts'
import { mayPass, retryDelayMs } from './retry.ts'

/** How a courier goes about it. */
export interface Manner {
  /** How fast recipients are handed on; without limit if left out. */
  readonly pace?: Pace
  /** Milliseconds that a mail may wait: for its like, its turn, the pace and further tries (20,000 if left out). */
  readonly patienceMs?: number
  /** How much is remembered of mails that were delivered in part. */
  readonly memory?: Memory
  /** The system's if left out. */
  readonly clock?: Clock
  /** Hears of every call to the backend as it ends. */
  readonly witness?: Witness<UpstreamCall> | undefined
}

/** What became of one call for some of its recipients. */
export interface Call {
  /** The recipients for whom this holds. */
  readonly to: readonly string[]
  /** Milliseconds that the backend took. */
  readonly ms: number
  /** `<name>: <message>` of what went wrong; left out when the backend accepted the mail. */
  readonly error?: string
  /** The backend's name of the mail. */
  readonly messageId?: string
}

/** The delivery of one mail, as far as its calls have to know of it. */
interface Errand {
  /** Who has the mail. */
  readonly accepted: Set<string>
  /** When waiting ends, for whatever it is. */
  readonly deadline: number
  readonly told: (call: Call) => void
}

/** How a call ended, and when. */
interface Ended extends Outcome {
  /** Milliseconds that the backend took; `undefined` where it did not come to that. */
  readonly ms: number | undefined
}

/** Takes whole mails to a backend, in as many calls as that needs, so that each recipient gets each mail once. */
export class Courier {
  readonly #relay: Relay
  readonly #gate: Gate
  readonly #pace: Pace
  readonly #patienceMs: number
  readonly #clock: Clock
  readonly #halfDelivered: HalfDelivered
  readonly #witness: Witness<UpstreamCall> | undefined

  constructor(
    relay: Relay,
    { pace = new Pace(), patienceMs = 20_000, memory, clock = systemClock, witness }: Manner,
  ) {
    this.#relay = relay
    this.#gate = new Gate(relay.maxCalls, clock)
    this.#pace = pace
    this.#patienceMs = patienceMs
    this.#clock = clock
    this.#halfDelivered = new HalfDelivered(memory, clock)
    this.#witness = witness
  }

  /**
   * Resolves once every recipient's mail is safe, with the receipt of the first call; rejects with what went wrong.
   * Every call is told as it ends, those that are tried again too, in parts where recipients fared differently. Who
   * had the mail from an earlier try is not told again: there is one success a recipient.
   */
  async deliver(mail: Mail, told: (call: Call) => void): Promise<Receipt> {
    const deadline = this.#clock.now() + this.#patienceMs
    const passage = (accepted: Set<string>) => this.#pass(mail, { accepted, deadline, told })
    try {
      const way = { atomic: this.#isAtomic(mail), patienceMs: this.#patienceMs }
      return await this.#halfDelivered.deliver(mail, way, passage)
    } catch (error) {
      if (error instanceof StillUnderWay) told({ to: mail.recipients, ms: 0, error: describe(error) })
      throw error
    }
  }

  #isAtomic({ recipients }: Mail): boolean {
    const { maxRecipientsPerCall = recipients.length, answersPerRecipient = false } = this.#relay
    return recipients.length <= (answersPerRecipient ? 1 : maxRecipientsPerCall)
  }

  /** Makes the calls that the mail takes to reach those who do not have it. */
  async #pass(mail: Mail, errand: Errand): Promise<Receipt> {
    const missing = mail.recipients.filter(recipient => !errand.accepted.has(recipient))
    let first: Receipt = {}
    let failure: PartialFailure | undefined
    // One after the other: a call that fails keeps those behind it from being made, and the client hears of it.
    for (const recipients of batches(missing, this.#relay.maxRecipientsPerCall)) {
      try {
        const receipt = await this.#persist({ ...mail, recipients }, errand)
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

  /** Makes one call, and makes it again within the time for those whom that can help. */
  async #persist(mail: Mail, errand: Errand): Promise<Receipt> {
    const lost = new Map<string, unknown>()
    let first: Receipt = {}
    let recipients = mail.recipients
    for (let tries = 1; recipients.length > 0; tries++) {
      const { receipt, refused } = await this.#call({ ...mail, recipients }, errand, tries > 1)
      if (first.messageId === undefined) first = receipt
      for (const recipient of recipients) if (!refused.has(recipient)) errand.accepted.add(recipient)
      const delayMs = retryDelayMs(tries)
      const inTime = delayMs !== undefined && this.#clock.now() + delayMs <= errand.deadline
      for (const [recipient, error] of refused) {
        if (!inTime || !mayPass(error)) lost.set(recipient, error)
      }
      recipients = [...refused.keys()].filter(recipient => !lost.has(recipient))
      if (recipients.length > 0) await this.#clock.sleep(delayMs!)
    }
    if (lost.size === 0) return first
    const [error, ...others] = new Set(lost.values())
    if (others.length === 0 && lost.size === mail.recipients.length) throw error
    throw new PartialFailure(temporaryFirst(lost), first)
  }

  /** Makes one call, and tells of it. @param again it is not the first one for these recipients */
  async #call(mail: Mail, { deadline, told }: Errand, again: boolean): Promise<Ended> {
    const outcome = await this.#send(mail, deadline)
    const { receipt, refused, ms } = outcome
    const accepted = mail.recipients.filter(recipient => !refused.has(recipient))
    if (ms !== undefined && this.#witness !== undefined) {
      const [error] = refused.values()
      const made = accepted.length > 0 ? 'accepted' : outcomeOf(error)
      tell(this.#witness, { type: 'call', relay: this.#relay.name, outcome: made, ms, again })
    }
    const tookMs = Math.round(ms ?? 0)
    if (accepted.length > 0) told({ to: accepted, ms: tookMs, ...receipt })
    for (const [error, to] of byError(refused)) told({ to, ms: tookMs, error })
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
  return new Map([...lost].sort(([, a], [, b]) => refusal(a).code - refusal(b).code))
}

/** The recipients of each error, as the log has it. */
function byError(refused: ReadonlyMap<string, unknown>): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>()
  for (const [recipient, error] of refused) {
    const text = describe(error)
    groups.set(text, [...(groups.get(text) ?? []), recipient])
  }
  return groups
}

function* batches(recipients: readonly string[], size = recipients.length): Generator<readonly string[]> {
  for (let first = 0; first < recipients.length; first += size) yield recipients.slice(first, first + size)
}
