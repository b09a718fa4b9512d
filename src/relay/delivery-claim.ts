import { createHash } from 'node:crypto'
import type { MessageInFlight } from './in-flight.ts'
import type { Message } from './relay.ts'

/**
 * How an attempt ended for the client: 250 (`accepted`), 4xx (`temporary`) or 5xx (`permanent`). `disconnected`: 250 or 5xx,
 * but the client had left before the reply.
 */
export type ReplyOutcome = 'accepted' | 'temporary' | 'permanent' | 'disconnected'

/** The right to deliver a message. It ends with `settle`, which must be called exactly once. */
export interface DeliveryClaim {
  /** The recipients that have the message from an earlier attempt of the client. */
  readonly skipped: readonly string[]
  /** All other recipients. */
  readonly missing: readonly string[]
  /** Records that these recipients have the message now. */
  add(recipients: readonly string[]): void
  /**
   * Ends the attempt. After a 4xx, the recipients that have the message are remembered, otherwise they are forgotten.
   * Attempts that wait for this one leave those recipients out, unless the client has received 250 or 5xx.
   */
  settle(outcome: ReplyOutcome): void
}

/** An attempt to deliver one message, from its claim until it is settled. Computes nothing before it is asked for. */
export class DeliveryAttempt implements DeliveryClaim, MessageInFlight {
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
  #onEnd: ((outcome: ReplyOutcome) => DeliveryAttempt | undefined)[] | undefined

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
    return this.#delivered ?? noRecipients
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

  /** Releases the content. After that the digest is available only if it was read before. */
  dropContent(): void {
    this.#message = undefined
  }

  /** @param listener called when the attempt ends; returns an attempt that ends with this one, if there is one */
  whenEnded(listener: (outcome: ReplyOutcome) => DeliveryAttempt | undefined): void {
    this.#onEnd ??= []
    this.#onEnd.push(listener)
  }

  /** Called when the attempt is no longer in flight. Returns the attempts that end with it. */
  end(outcome: ReplyOutcome): readonly DeliveryAttempt[] {
    this.dropContent()
    return this.#onEnd?.flatMap(listener => listener(outcome) ?? []) ?? noAttempts
  }
}

const noRecipients: ReadonlySet<string> = new Set()
const noAttempts: readonly DeliveryAttempt[] = []

/** The digest of what the client sent. This server's `Received` header is left out, because it differs with each attempt. */
function digestOf({ content, headerBytes }: Message): string {
  const hash = createHash('sha256')
  let skip = headerBytes
  for (const part of content) {
    hash.update(part.subarray(skip))
    skip = Math.max(0, skip - part.length)
  }
  return hash.digest('base64')
}
