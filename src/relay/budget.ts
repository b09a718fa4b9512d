import { type Clock, systemClock } from './clock.ts'
import { WaitingLine } from './waiting-line.ts'

/** How much there is to share, and how long a mail waits for it. */
export interface Allowance {
  /** Bytes that all mails together hold at most. */
  readonly totalBytes: number
  /** Bytes that one mail holds at most; the total if that is less. More is refused at once. */
  readonly largestBytes: number
  /** Milliseconds that one mail may wait, all its waits together. */
  readonly patienceMs: number
  /** The system's if left out. */
  readonly clock?: Clock
}

/** What one mail holds of a budget: nothing at first. */
export interface Share {
  /**
   * The mail holds so many bytes in all from now on. Fewer than before is at once, more too where there is room: true.
   * Else a promise, of true when there is room; of false, with the share as it was, when the mail's patience is used
   * up, when the share was completed, released or resized meanwhile, and at once where waiting is of no use.
   */
  resize(bytes: number): true | Promise<boolean>
  /** The mail is received: it will not grow any more. */
  complete(): void
  /** All is given back, once: the mail is delivered, refused, or its client is gone. */
  release(): void
}

/**
 * The memory that all mails share, counted exactly.
 *
 * Mails that are still received have seniority by their opening. The eldest of them takes what is free. Any other one
 * leaves as much as the eldest may still want, up to the largest size; and who waits is overtaken by nobody younger, or
 * else large mails would wait for as long as there are small ones.
 *
 * So nobody waits for ever. What is free and what complete mails hold is, together, never less than what the eldest may
 * still want: what it takes lessens both sides alike, what others take leaves enough, and when it is complete or gone
 * its own bytes join that sum, which then is a whole largest size for the next one. Hence the eldest only ever waits
 * for deliveries, and these end; then another one is the eldest.
 */
export class Budget {
  readonly #totalBytes: number
  readonly #largestBytes: number
  readonly #patienceMs: number
  readonly #clock: Clock
  #usedBytes = 0
  #opened = 0
  /** The mails that are still received: each waits to be the eldest. */
  readonly #received = new WaitingLine<Holding>()
  /** Those of them that wait for room. */
  readonly #line = new WaitingLine<Holding>()

  constructor({ totalBytes, largestBytes, patienceMs, clock = systemClock }: Allowance) {
    this.#totalBytes = totalBytes
    this.#largestBytes = Math.min(largestBytes, totalBytes)
    this.#patienceMs = patienceMs
    this.#clock = clock
  }

  /** What all shares may hold together. */
  get totalBytes(): number {
    return this.#totalBytes
  }

  /** What all shares hold together. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Mails that wait for room. */
  get waiting(): number {
    return this.#line.length
  }

  /** A share for a mail that begins. */
  open(): Share {
    const mail: Holding = {
      seniority: this.#opened++,
      bytes: 0,
      grows: true,
      patienceMs: this.#patienceMs,
      wish: undefined,
    }
    this.#received.join(mail)
    return {
      resize: bytes => this.#resize(mail, bytes),
      complete: () => this.#complete(mail),
      release: () => {
        this.#complete(mail)
        this.#resize(mail, 0)
      },
    }
  }

  #resize(mail: Holding, bytes: number): true | Promise<boolean> {
    if (mail.wish !== undefined) this.#end(mail, false)
    const answer = this.#grow(mail, bytes)
    this.#serve()
    return answer
  }

  #grow(mail: Holding, bytes: number): true | Promise<boolean> {
    const isMore = bytes > mail.bytes
    if (isMore && (!mail.grows || bytes > this.#largestBytes)) return Promise.resolve(false)
    if (isMore && !this.#mayHold(mail, bytes)) return this.#wait(mail, bytes)
    this.#hold(mail, bytes)
    return true
  }

  #complete(mail: Holding): void {
    if (!mail.grows) return
    mail.grows = false
    if (mail.wish !== undefined) this.#end(mail, false)
    this.#received.leave(mail)
    this.#serve()
  }

  #mayHold(mail: Holding, bytes: number): boolean {
    const { first } = this.#line
    if (first !== undefined && first.seniority < mail.seniority) return false
    const eldest = this.#received.first!
    const reservedBytes = mail === eldest ? 0 : this.#largestBytes - eldest.bytes
    return this.#usedBytes - mail.bytes + bytes + reservedBytes <= this.#totalBytes
  }

  #hold(mail: Holding, bytes: number): void {
    this.#usedBytes += bytes - mail.bytes
    mail.bytes = bytes
  }

  #wait(mail: Holding, bytes: number): Promise<boolean> {
    if (mail.patienceMs <= 0) return Promise.resolve(false)
    return new Promise(answer => {
      const wish: Wish = { bytes, sinceMs: this.#clock.now(), answer, ended: new AbortController() }
      mail.wish = wish
      this.#line.join(mail)
      this.#clock.sleep(mail.patienceMs, wish.ended.signal).then(() => {
        // Room may have come at the same moment.
        if (mail.wish !== wish) return
        this.#end(mail, false)
        mail.patienceMs = 0
        this.#serve()
      })
    })
  }

  /** Grants what is wished for now, eldest first: nobody whose wish can be granted is left waiting. */
  #serve(): void {
    for (let { first } = this.#line; first?.wish !== undefined; first = this.#line.first) {
      const { bytes } = first.wish
      if (!this.#mayHold(first, bytes)) return
      this.#hold(first, bytes)
      this.#end(first, true)
    }
  }

  #end(mail: Holding, granted: boolean): void {
    const { sinceMs, answer, ended } = mail.wish!
    mail.wish = undefined
    mail.patienceMs -= this.#clock.now() - sinceMs
    this.#line.leave(mail)
    ended.abort()
    answer(granted)
  }
}

/** Mails that are under way hold all the memory that there is for them, or one wants more than there is in all. */
export class NoMemory extends Error {
  /** By this the failure table knows it. */
  override readonly name = 'NoMemory'

  constructor() {
    super('the memory for mails is in use')
  }
}

/** What the budget knows of a mail. */
interface Holding {
  /** Of two mails, the one that was opened first has less. */
  readonly seniority: number
  bytes: number
  /** It is still received. */
  grows: boolean
  /** What is left of it. */
  patienceMs: number
  /** It stands in the line if there is one. */
  wish: Wish | undefined
}

interface Wish {
  readonly bytes: number
  readonly sinceMs: number
  readonly answer: (granted: boolean) => void
  readonly ended: AbortController
}
