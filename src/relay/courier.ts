import { type Clock, systemClock } from './clock.ts'
import { describe } from './fault.ts'
import { HalfDelivered, type Memory } from './half-delivered.ts'
import { Pace } from './pace.ts'
import { type Mail, PartialFailure, type Receipt, type Relay } from './relay.ts'
import { retryDelayMs } from './retry.ts'

/** How a courier goes about it. */
export interface Manner {
  /** How fast recipients are handed on; without limit if left out. */
  readonly pace?: Pace
  /** Milliseconds that a mail may wait for the pace and for further tries (20,000 if left out). */
  readonly patienceMs?: number
  /** How much is remembered of mails that were delivered in part. */
  readonly memory?: Memory
  readonly clock?: Clock
}

/** What became of one call for some of its recipients. */
export interface Call {
  readonly to: readonly string[]
  /** Milliseconds that the backend took. */
  readonly ms: number
  readonly error?: string
  readonly messageId?: string
}

/** Takes whole mails to a backend, in as many calls as that needs, so that each recipient gets each mail once. */
export class Courier {
  readonly #relay: Relay
  readonly #pace: Pace
  readonly #patienceMs: number
  readonly #clock: Clock
  readonly #halfDelivered: HalfDelivered

  constructor(relay: Relay, { pace = new Pace(), patienceMs = 20_000, memory, clock = systemClock }: Manner) {
    this.#relay = relay
    this.#pace = pace
    this.#patienceMs = patienceMs
    this.#clock = clock
    this.#halfDelivered = new HalfDelivered(memory, clock)
  }

  /**
   * Resolves once every recipient's mail is safe, with the receipt of the first call; rejects with what went wrong.
   * Every call is told as it ends, those that are tried again too; one that ended in part is told in two parts.
   */
  deliver(mail: Mail, told: (call: Call) => void): Promise<Receipt> {
    const passage = (accepted: Set<string>) => this.#pass(mail, accepted, told)
    // Only a mail that can be delivered in part is worth its digest.
    return this.#mayEndHalfway(mail) ? this.#halfDelivered.deliver(mail, passage) : passage(new Set())
  }

  #mayEndHalfway({ recipients }: Mail): boolean {
    const { maxRecipientsPerCall = recipients.length, answersPerRecipient = false } = this.#relay
    return recipients.length > (answersPerRecipient ? 1 : maxRecipientsPerCall)
  }

  async #pass(mail: Mail, accepted: Set<string>, told: (call: Call) => void): Promise<Receipt> {
    const deadline = this.#clock.now() + this.#patienceMs
    const missing = mail.recipients.filter(recipient => !accepted.has(recipient))
    let first: Receipt = {}
    // One after the other: a call that fails keeps those behind it from being made, and the client hears of it.
    for (const recipients of batches(missing, this.#relay.maxRecipientsPerCall)) {
      const receipt = await this.#persist({ ...mail, recipients }, accepted, deadline, told)
      if (first.messageId === undefined) first = receipt
    }
    return first
  }

  /** Makes one call, and makes it again where that can help within the time. */
  async #persist(
    mail: Mail,
    accepted: Set<string>,
    deadline: number,
    told: (call: Call) => void,
  ): Promise<Receipt> {
    for (let tries = 1; ; tries++) {
      const recipients = mail.recipients.filter(recipient => !accepted.has(recipient))
      try {
        const receipt = await this.#call({ ...mail, recipients }, deadline, told)
        for (const recipient of recipients) accepted.add(recipient)
        return receipt
      } catch (error) {
        if (error instanceof PartialFailure) for (const recipient of error.accepted) accepted.add(recipient)
        const delayMs = retryDelayMs(error, tries)
        if (delayMs === undefined || this.#clock.now() + delayMs > deadline) throw error
        await this.#clock.sleep(delayMs)
      }
    }
  }

  async #call(mail: Mail, deadline: number, told: (call: Call) => void): Promise<Receipt> {
    const { recipients } = mail
    let begun = this.#clock.now()
    const tell = (to: readonly string[], outcome: Receipt | { readonly error: string }) =>
      told({ to, ms: Math.round(this.#clock.now() - begun), ...outcome })
    let receipt: Receipt
    try {
      await this.#pace.take(recipients.length, deadline - begun)
      begun = this.#clock.now()
      receipt = await this.#relay.send(mail)
    } catch (error) {
      const accepted = error instanceof PartialFailure ? error.accepted : []
      if (error instanceof PartialFailure) tell(accepted, error.receipt)
      const others = recipients.filter(recipient => !accepted.includes(recipient))
      tell(others, { error: describe(error) })
      throw error
    }
    tell(recipients, receipt)
    return receipt
  }
}

function* batches(recipients: readonly string[], size = recipients.length): Generator<readonly string[]> {
  for (let first = 0; first < recipients.length; first += size) yield recipients.slice(first, first + size)
}
