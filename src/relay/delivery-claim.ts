import { createHash } from 'node:crypto'
import type { InFlight } from './in-flight.ts'
import type { Message } from './relay.ts'

/**
 * What the client hears of the message: 250 (`accepted`), 4xx (`temporary`) or 5xx (`permanent`). `unheard`: it would have
 * been 250 or 5xx, but the client had left before.
 */
export type ReplyOutcome = 'accepted' | 'temporary' | 'permanent' | 'unheard'

/** The right to deliver a message. It ends with `settle`, which is called once. */
export interface DeliveryClaim {
  /** Recipients that have the message from an earlier attempt of the client. */
  readonly skipped: readonly string[]
  /** All others. */
  readonly missing: readonly string[]
  /** Notes that these recipients have the message now. */
  add(recipients: readonly string[]): void
  /**
   * Ends the attempt. After a 4xx, it is remembered which recipients have the message; else they are forgotten. Attempts
   * that wait for this one leave out the recipients that have the message, unless the client has heard 250 or 5xx.
   */
  settle(told: ReplyOutcome): void
}

/** One message from its claim until it is settled. */
export class DeliveryAttempt implements DeliveryClaim, InFlight {
  readonly recipients: readonly string[]
  skipped: readonly string[] = []
  missing: readonly string[]
  readonly settle: DeliveryClaim['settle']
  readonly #client: string
  readonly #sender: string
  readonly #size: number
  #message: Message | undefined
  // Most messages are delivered without any of these.
  #envelope: string | undefined
  #digest: string | undefined
  #delivered: Set<string> | undefined
  #onEnd: ((told: ReplyOutcome) => DeliveryAttempt | undefined)[] | undefined

  constructor(message: Message, client: string, settle: DeliveryClaim['settle']) {
    const { sender, recipients, size, headerBytes } = message
    this.recipients = recipients
    this.missing = recipients
    this.settle = settle
    this.#client = client
    this.#sender = sender
    this.#size = size - headerBytes
    this.#message = message
  }

  get envelope(): string {
    this.#envelope ??= JSON.stringify([this.#client, this.#sender, this.#size])
    return this.#envelope
  }

  /** Its recipients that have the message, from this attempt or from an earlier one. */
  get delivered(): ReadonlySet<string> {
    return this.#delivered ?? none
  }

  get digest(): string {
    this.#digest ??= digestOf(this.#message!)
    return this.#digest
  }

  add(recipients: readonly string[]): void {
    this.#delivered ??= new Set()
    for (const recipient of recipients) this.#delivered.add(recipient)
  }

  /** Leaves out those of its recipients that have the message already. */
  skip(delivered: ReadonlySet<string>): void {
    this.add(this.missing.filter(recipient => delivered.has(recipient)))
    this.skipped = this.recipients.filter(recipient => this.delivered.has(recipient))
    this.missing = this.recipients.filter(recipient => !this.delivered.has(recipient))
  }

  /** Releases the content. After that the digest is known only if it was read before. */
  dropContent(): void {
    this.#message = undefined
  }

  /** @param listener hears of the end; returns an attempt that ends with this one */
  whenEnded(listener: (told: ReplyOutcome) => DeliveryAttempt | undefined): void {
    this.#onEnd ??= []
    this.#onEnd.push(listener)
  }

  /** The attempt is not in flight any more. @returns the attempts that end with it */
  end(told: ReplyOutcome): readonly DeliveryAttempt[] {
    this.dropContent()
    return this.#onEnd?.flatMap(listener => listener(told) ?? []) ?? []
  }
}

const none: ReadonlySet<string> = new Set()

/** This server's `Received` header does not count: it differs with each attempt. */
function digestOf({ content, headerBytes }: Message): string {
  const hash = createHash('sha256')
  let skip = headerBytes
  for (const part of content) {
    hash.update(part.subarray(skip))
    skip = Math.max(0, skip - part.length)
  }
  return hash.digest('base64')
}
