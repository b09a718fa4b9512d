import { createHash } from 'node:crypto'
import { type Clock, resolvesWithin, systemClock } from './clock.ts'
import type { Mail, Receipt } from './relay.ts'

/** How much is remembered. */
export interface Memory {
  /** Mails (1,000 if left out); the one that was tried longest ago makes room. */
  readonly maxMails?: number
  /** Milliseconds since a mail was last tried (5 days if left out: RFC 5321 section 4.5.4.1, so long clients try). */
  readonly maxAgeMs?: number
}

/** Delivers to those who are not among `accepted`, and adds to it each that now has the mail. */
export type Passage = (accepted: Set<string>) => Promise<Receipt>

/** A mail that somebody sends or waits to send. */
interface Journey {
  /** Who has it. */
  readonly accepted: Set<string>
  /** Those for whom a client last heard no. It comes again, and they must not get it twice. */
  readonly owed: Set<string>
  /** Those for whom a client heard no while another was being served. */
  readonly leftWaiting: Set<string>
  /** Clients that are served or wait. */
  clients: number
  /** Resolves when those who came so far are served. */
  served: Promise<void>
}

/** How a mail is to be delivered. */
interface Way {
  /** All of its recipients get it, or none: it is looked up, but is no reason to remember anything. */
  readonly atomic: boolean
  readonly patienceMs: number
}

/**
 * Knows, of mails that some of their recipients have and others do not, who has them. SMTP has one answer for all
 * recipients of a mail: the client hears of the failure and sends the same mail again, perhaps to fewer recipients, and
 * those who have it must not get it twice. A mail is the same if sender and content are. Once a client has heard yes,
 * the recipients it named are forgotten: the same mail again is a new one to them.
 */
export class HalfDelivered {
  readonly #maxMails: number
  readonly #maxAgeMs: number
  readonly #clock: Clock
  /** By digest; the one that was tried longest ago comes first. */
  readonly #mails = new Map<string, { readonly accepted: ReadonlySet<string>; readonly triedAt: number }>()
  readonly #underWay = new Map<string, Journey>()

  constructor({ maxMails = 1000, maxAgeMs = 5 * 24 * 60 * 60 * 1000 }: Memory = {}, clock = systemClock) {
    this.#maxMails = maxMails
    this.#maxAgeMs = maxAgeMs
    this.#clock = clock
  }

  /** Mails that are remembered. */
  get size(): number {
    return this.#mails.size
  }

  /**
   * Delivers a mail to the recipients that do not have it yet. While the same mail is under way, which is a client
   * that lost patience, this one waits and then goes on with those who are still missing. Rejects with the name
   * `StillUnderWay` if that takes longer than `patienceMs`.
   */
  async deliver(mail: Mail, { atomic, patienceMs }: Way, passage: Passage): Promise<Receipt> {
    this.#forgetOld()
    if (atomic && this.#mails.size === 0 && this.#underWay.size === 0) return passage(new Set())
    const digest = digestOf(mail)
    if (atomic && !this.#mails.has(digest) && !this.#underWay.has(digest)) return passage(new Set())
    const journey = this.#underWay.get(digest) ?? this.#begin(digest)
    try {
      return await this.#join(journey, mail, patienceMs, passage)
    } finally {
      journey.clients--
      if (journey.clients === 0) this.#end(digest, journey)
    }
  }

  #begin(digest: string): Journey {
    const known = this.#mails.get(digest)?.accepted
    const journey: Journey = {
      accepted: new Set(known),
      owed: new Set(known),
      leftWaiting: new Set(),
      clients: 0,
      served: Promise.resolve(),
    }
    this.#underWay.set(digest, journey)
    return journey
  }

  async #join(
    journey: Journey,
    { recipients }: Mail,
    patienceMs: number,
    passage: Passage,
  ): Promise<Receipt> {
    const { accepted, owed, leftWaiting } = journey
    const before = journey.served
    const alone = journey.clients++ === 0
    let leave = () => {}
    journey.served = new Promise(resolve => {
      leave = resolve
    })
    if (!alone && !(await resolvesWithin(this.#clock, patienceMs, before))) {
      for (const recipient of recipients) {
        owed.add(recipient)
        leftWaiting.add(recipient)
      }
      void before.then(leave)
      throw new StillUnderWay()
    }
    leftWaiting.clear()
    try {
      const receipt = await passage(accepted)
      for (const recipient of recipients) if (!leftWaiting.has(recipient)) owed.delete(recipient)
      return receipt
    } catch (error) {
      for (const recipient of recipients) owed.add(recipient)
      throw error
    } finally {
      leave()
    }
  }

  /** Nobody sends the mail any more: what is still to be known of it is remembered. */
  #end(digest: string, { accepted, owed }: Journey): void {
    this.#underWay.delete(digest)
    this.#mails.delete(digest)
    const left = new Set([...accepted].filter(recipient => owed.has(recipient)))
    if (left.size > 0) this.#mails.set(digest, { accepted: left, triedAt: this.#clock.now() })
    this.#forgetOld()
  }

  #forgetOld(): void {
    const oldest = this.#clock.now() - this.#maxAgeMs
    for (const [digest, { triedAt }] of this.#mails) {
      if (this.#mails.size <= this.#maxMails && triedAt >= oldest) return
      this.#mails.delete(digest)
    }
  }
}

/** The same mail was being sent all the time that this one could wait. */
export class StillUnderWay extends Error {
  override readonly name = 'StillUnderWay'

  constructor() {
    super('the same mail is being sent')
  }
}

/** This server's `Received` header does not count: it differs the next time. */
function digestOf({ sender, content, headerBytes }: Mail): string {
  const hash = createHash('sha256').update(JSON.stringify(sender))
  let skip = headerBytes
  for (const part of content) {
    hash.update(part.subarray(skip))
    skip = Math.max(0, skip - part.length)
  }
  return hash.digest('base64')
}
