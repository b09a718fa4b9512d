import { detached } from '../protocol/index.ts'
import { type Clock, systemClock } from '../support/clock.ts'
import { settlesWithin } from '../support/timeout.ts'
import { DeliveryAttempt, type DeliveryClaim, type ReplyOutcome } from './delivery-claim.ts'
import { MessagesInFlight } from './in-flight.ts'
import type { Message } from './relay.ts'

/** How much is remembered of messages that were delivered to some of their recipients. */
export interface RememberLimits {
  /** Bytes of memory for all of them, estimated (8 MiB if left out). The one that was tried longest ago is dropped first. */
  readonly maxBytes?: number
  /** Milliseconds after the latest attempt at which a message is dropped (4 hours if left out). */
  readonly maxAgeMs?: number
}

const defaultMaxBytes = 8 * 1024 * 1024
/**
 * A client with a queue retries within this time: RFC 5321 section 4.5.4.1 recommends 30 minutes or more, Postfix waits up
 * to 67 minutes, Exim 15 minutes at first. After a much longer time, the same bytes are more likely a new message than a
 * retry, for example an alert without a Date header.
 */
const defaultMaxAgeMs = 4 * 60 * 60 * 1000
/** Bytes that V8 needs for one entry, without its texts. */
const bytesPerEntry = 512
/** Bytes that V8 needs for one recipient, without its characters. */
const bytesPerRecipient = 64

/** The settings of one claim. */
export interface ClaimOptions {
  /** Identifies the client. What is remembered of one client's messages never affects another client. */
  readonly client: string
  /** One call delivers the message to all recipients or to none, so that no other message has to wait for it. */
  readonly atomic: boolean
  /** Milliseconds to wait for an identical message in flight. */
  readonly maxWaitMs: number
}

/**
 * Remembers messages that were delivered to some of their recipients. SMTP has one reply for all recipients of a message:
 * after a 4xx the client sends the message again, perhaps to fewer recipients, and those that have it must not get it
 * twice. Two messages are the same if client, sender and content are the same. After a 250 or a 5xx the client does not
 * retry, so the recipients are forgotten, and the same bytes are a new message.
 *
 * The same holds for an attempt that waits for an identical message in flight. If the first client has received 250 or 5xx,
 * the second message is a new one, for example from another thread of an application, and goes to all of its recipients.
 * If the first client has received 4xx, or has left without a reply, the second message is a retry, and leaves out the
 * recipients that have it. An attempt whose client left without a reply is not remembered after its end: a client that
 * never waits for replies may send equal messages, one after the other.
 *
 * Content is read, and hashed, only if a message with the same client, sender and size is remembered, or is in flight to a
 * common recipient, and then once.
 */
export class PartialDeliveries {
  readonly #maxBytes: number
  readonly #maxAgeMs: number
  readonly #clock: Clock
  readonly #inFlight = new MessagesInFlight<DeliveryAttempt>()
  /** By envelope and digest. The one that was tried longest ago comes first. */
  readonly #entries = new Map<string, PartialDelivery>()
  /** The number of entries by envelope. */
  readonly #envelopes = new Map<string, number>()
  #bytes = 0

  constructor(
    { maxBytes = defaultMaxBytes, maxAgeMs = defaultMaxAgeMs }: RememberLimits = {},
    clock = systemClock,
  ) {
    this.#maxBytes = maxBytes
    this.#maxAgeMs = maxAgeMs
    this.#clock = clock
  }

  /** The number of messages that are remembered. */
  get size(): number {
    return this.#entries.size
  }

  /** Bytes of memory that they need, estimated. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Claims a message for delivery: at once, or with a promise if the client has sent the same message already and it is in
   * flight to some of the same recipients. Then the claim waits until that attempt is settled, and rejects with
   * `DuplicateInFlight` if that takes longer than `maxWaitMs`.
   */
  claim(
    message: Message,
    { client, atomic, maxWaitMs }: ClaimOptions,
  ): DeliveryClaim | Promise<DeliveryClaim> {
    const attempt = new DeliveryAttempt(message, client, outcome => this.#settle(attempt, outcome))
    const earlier = this.#inFlight.overlapping(attempt)
    if (!atomic) this.#inFlight.add(attempt)
    if (earlier === undefined) return this.#withoutDelivered(attempt)
    return this.#waitFor(earlier, attempt, maxWaitMs).then(() => this.#withoutDelivered(attempt))
  }

  #withoutDelivered(attempt: DeliveryAttempt): DeliveryClaim {
    this.#expire()
    const entry = this.#entryOf(attempt)
    if (entry !== undefined) attempt.skip(entry.delivered)
    return attempt
  }

  async #waitFor(
    earlier: ReadonlySet<DeliveryAttempt>,
    attempt: DeliveryAttempt,
    maxWaitMs: number,
  ): Promise<void> {
    let pending = earlier.size
    let timedOut = false
    const allEnded = new Promise<void>(resolve => {
      for (const one of earlier) {
        one.whenEnded(outcome => {
          if (!isFinal(outcome)) attempt.skip(one.delivered)
          pending--
          if (pending > 0) return undefined
          resolve()
          return timedOut ? attempt : undefined
        })
      }
    })
    if ((await settlesWithin(allEnded, maxWaitMs, this.#clock)) || pending === 0) return
    // The attempt stays in flight as long as the earlier ones, because later messages have to wait for these, too. Its client
    // gets 4xx, and sends the message again to recipients that the earlier attempts may have reached.
    timedOut = true
    attempt.dropContent()
    throw new DuplicateInFlight()
  }

  /**
   * Ends the attempt, and with it those that timed out while they waited for it. The clients of those have received 4xx.
   * A loop and no recursion, because thousands of attempts may wait one for the other.
   */
  #settle(attempt: DeliveryAttempt, outcome: ReplyOutcome): void {
    let waiting = this.#end(attempt, outcome)
    while (waiting.length > 0) waiting = waiting.flatMap(next => this.#end(next, 'temporary'))
  }

  /** Ends one attempt. Returns the attempts that end with it. */
  #end(attempt: DeliveryAttempt, outcome: ReplyOutcome): readonly DeliveryAttempt[] {
    if (outcome === 'temporary') this.#remember(attempt)
    else this.#forget(attempt)
    this.#inFlight.delete(attempt)
    return attempt.end(outcome)
  }

  #remember(attempt: DeliveryAttempt): void {
    if (attempt.delivered.size === 0) return
    const previous = this.#entryOf(attempt)
    if (previous !== undefined) this.#drop(previous)
    const known = previous?.delivered ?? new Set<string>()
    const added = [...attempt.delivered].filter(recipient => !known.has(recipient))
    const delivered = added.length > 0 ? new Set([...known, ...added.map(detached)]) : known
    this.#insert({
      envelope: detached(attempt.envelope),
      key: detached(keyOf(attempt)),
      delivered,
      triedAt: this.#clock.now(),
    })
    this.#expire()
  }

  #forget(attempt: DeliveryAttempt): void {
    const entry = this.#entryOf(attempt)
    if (entry === undefined) return
    this.#drop(entry)
    const delivered = new Set(entry.delivered)
    for (const recipient of attempt.recipients) delivered.delete(recipient)
    if (delivered.size > 0) this.#insert({ ...entry, delivered, triedAt: this.#clock.now() })
  }

  #entryOf(attempt: DeliveryAttempt): PartialDelivery | undefined {
    // Most of the time nothing is remembered, and then nothing is computed.
    if (this.#entries.size === 0) return undefined
    return this.#envelopes.has(attempt.envelope) ? this.#entries.get(keyOf(attempt)) : undefined
  }

  #insert(entry: PartialDelivery): void {
    this.#entries.set(entry.key, entry)
    this.#envelopes.set(entry.envelope, (this.#envelopes.get(entry.envelope) ?? 0) + 1)
    this.#bytes += bytesOf(entry)
  }

  #drop(entry: PartialDelivery): void {
    this.#entries.delete(entry.key)
    const others = this.#envelopes.get(entry.envelope)! - 1
    if (others > 0) this.#envelopes.set(entry.envelope, others)
    else this.#envelopes.delete(entry.envelope)
    this.#bytes -= bytesOf(entry)
  }

  #expire(): void {
    if (this.#entries.size === 0) return
    const oldest = this.#clock.now() - this.#maxAgeMs
    for (const entry of this.#entries.values()) {
      if (this.#bytes <= this.#maxBytes && entry.triedAt >= oldest) return
      this.#drop(entry)
    }
  }
}

/** The client sent a message again while an earlier attempt was in flight, and that attempt took longer than `maxWaitMs`. */
class DuplicateInFlight extends Error {
  override readonly name = 'DuplicateInFlight'

  constructor() {
    super('an earlier attempt to send the same message is still in flight')
  }
}

/** What is remembered of one message. */
interface PartialDelivery {
  readonly envelope: string
  readonly key: string
  /** Recipients that have the message. */
  readonly delivered: ReadonlySet<string>
  readonly triedAt: number
}

/** Returns true if the client does not send the message again. */
function isFinal(outcome: ReplyOutcome): boolean {
  return outcome === 'accepted' || outcome === 'permanent'
}

function keyOf({ envelope, digest }: DeliveryAttempt): string {
  return `${envelope} ${digest}`
}

function bytesOf({ envelope, key, delivered }: PartialDelivery): number {
  let bytes = bytesPerEntry + bytesOfText(envelope) + bytesOfText(key)
  for (const recipient of delivered) bytes += bytesPerRecipient + bytesOfText(recipient)
  return bytes
}

/** V8 needs two bytes for each character if one of them is beyond Latin-1. */
function bytesOfText(text: string): number {
  return text.length * 2
}
