import { createHash } from 'node:crypto'
import { type Clock, systemClock } from './clock.ts'
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

/**
 * Knows, of mails that could be delivered to some of their recipients only, who has them. SMTP has one answer for all
 * recipients of a mail: the client hears of the failure and sends the same mail again, and those who have it must not
 * get it twice. A mail is the same if sender, recipients and content are; one that was delivered whole is forgotten.
 */
export class HalfDelivered {
  readonly #maxMails: number
  readonly #maxAgeMs: number
  readonly #clock: Clock
  /** By digest; the one that was tried longest ago comes first. */
  readonly #mails = new Map<string, { readonly accepted: ReadonlySet<string>; readonly triedAt: number }>()
  readonly #underWay = new Map<string, Promise<Receipt>>()

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
   * Delivers a mail to the recipients that do not have it yet. While the same mail is under way already, which is
   * a client that lost patience, this one waits: what became of that one became of this one if it is whole, else this
   * one goes on where that one ended.
   */
  async deliver(mail: Mail, passage: Passage): Promise<Receipt> {
    const digest = digestOf(mail)
    for (let earlier = this.#underWay.get(digest); earlier; earlier = this.#underWay.get(digest)) {
      const receipt = await earlier.catch(() => undefined)
      if (receipt !== undefined) return receipt
    }
    const run = this.#run(digest, passage)
    this.#underWay.set(digest, run)
    try {
      return await run
    } finally {
      this.#underWay.delete(digest)
    }
  }

  async #run(digest: string, passage: Passage): Promise<Receipt> {
    this.#forgetOld()
    const accepted = new Set(this.#mails.get(digest)?.accepted)
    try {
      const receipt = await passage(accepted)
      this.#mails.delete(digest)
      return receipt
    } catch (error) {
      if (accepted.size > 0) this.#remember(digest, accepted)
      throw error
    }
  }

  #remember(digest: string, accepted: ReadonlySet<string>): void {
    this.#mails.delete(digest)
    this.#mails.set(digest, { accepted, triedAt: this.#clock.now() })
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

/** The order of the recipients does not count, nor does this server's `Received` header: both differ the next time. */
function digestOf({ sender, recipients, content: [, ...sent] }: Mail): string {
  const hash = createHash('sha256').update(JSON.stringify([sender, ...[...recipients].sort()]))
  for (const part of sent) hash.update(part)
  return hash.digest('base64')
}
