import { detached } from '../protocol/grammar.ts'
import { type Clock, resolvesWithin, systemClock } from '../support/clock.ts'
import { DeliveryAttempt, type DeliveryClaim, type ReplyOutcome } from './delivery-claim.ts'
import { MessagesInFlight } from './in-flight.ts'
import type { Message } from './relay.ts'

/** How much is remembered of messages that were delivered to some of their recipients. */
export interface RememberLimits {
  /** Bytes of memory for all of them, estimated (8 MiB if left out); the one tried longest ago is forgotten first. */
  readonly maxBytes?: number
  /** Milliseconds since the latest attempt (4 hours if left out). */
  readonly maxAgeMs?: number
}

const defaultMaxBytes = 8 * 1024 * 1024
/**
 * A client that queues comes again within this time: RFC 5321 section 4.5.4.1 has it wait 30 minutes or more, Postfix
 * waits up to 67 minutes, Exim 15 minutes at first. After much longer, the same bytes are more likely a new message than
 * a retry, for example an alert without a Date header.
 */
const defaultMaxAgeMs = 4 * 60 * 60 * 1000
/** Bytes that V8 takes for one entry, besides its texts. */
const bytesPerEntry = 512
/** Bytes that V8 takes for one recipient, besides its characters. */
const bytesPerRecipient = 64

/** How a message is claimed. */
export interface ClaimOptions {
  /** Names the client; what is remembered of one client's messages never concerns another client. */
  readonly client: string
  /** One call delivers to all recipients or to none: no other message has to wait for this one. */
  readonly atomic: boolean
  /** Milliseconds to wait for the same message in flight. */
  readonly maxWaitMs: number
}

/**
 * Remembers messages that some of their recipients have and others do not. SMTP has one reply for all recipients of a
 * message: the client hears 4xx and sends the message again, perhaps to fewer recipients, and those that have it must
 * not get it twice. It is the same message if client, sender and content are the same. After a 250 or a 5xx the client
 * does not send the message again, so its recipients are forgotten: the same bytes are a new message then.
 *
 * The same holds for an attempt that waits because the same message is in flight. If the first client has heard 250 or
 * 5xx, the second message is a new one, for example from another thread of an application, and goes to all of its
 * recipients. If the first client has heard 4xx, or has left without a reply, the second message is a retry, and leaves
 * out the recipients that have it. An attempt whose client left without a reply is not remembered after its end: a client
 * that never waits for replies may send equal messages, one after the other.
 *
 * Content is read only if envelope and size are those of a message that is remembered, or envelope, size and a recipient
 * those of one in flight; and then once.
 */
export class PartialDeliveries {
  readonly #maxBytes: number
  readonly #maxAgeMs: number
  readonly #clock: Clock
  readonly #inFlight = new MessagesInFlight<DeliveryAttempt>()
  /** By envelope and digest; the one that was tried longest ago comes first. */
  readonly #entries = new Map<string, Entry>()
  /** Entries of each envelope. */
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

  /** Messages that are remembered. */
  get size(): number {
    return this.#entries.size
  }

  /** Bytes that they take, estimated. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Claims a message for delivery. If the client has sent the same message already and it is in flight to some of the
   * same recipients, waits until that attempt is settled.
   * @throws DuplicateInFlight if that takes longer than `maxWaitMs`
   */
  async claim(message: Message, { client, atomic, maxWaitMs }: ClaimOptions): Promise<DeliveryClaim> {
    const attempt = new DeliveryAttempt(message, client, told => this.#settle(attempt, told))
    const earlier = this.#inFlight.overlapping(attempt)
    if (!atomic) this.#inFlight.add(attempt)
    if (earlier.size > 0) await this.#waitFor(earlier, attempt, maxWaitMs)
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
    let left = earlier.size
    let gaveUp = false
    const allEnded = new Promise<void>(resolve => {
      for (const one of earlier) {
        one.whenEnded(told => {
          if (!isFinal(told)) attempt.skip(one.delivered)
          left--
          if (left > 0) return undefined
          resolve()
          return gaveUp ? attempt : undefined
        })
      }
    })
    if ((await resolvesWithin(this.#clock, maxWaitMs, allEnded)) || left === 0) return
    // It stays among those in flight as long as the earlier ones: later messages have to wait for these, too. Its client
    // hears 4xx, and sends the message again to recipients that these may have reached.
    gaveUp = true
    attempt.dropContent()
    throw new DuplicateInFlight()
  }

  /**
   * Ends the attempt, and with it those that gave up waiting for it, whose clients have heard 4xx. No recursion, because
   * thousands may wait in a row.
   */
  #settle(attempt: DeliveryAttempt, told: ReplyOutcome): void {
    const ending = [{ attempt, told }]
    for (const { attempt, told } of ending) {
      if (told === 'temporary') this.#remember(attempt)
      else this.#forget(attempt)
      this.#inFlight.delete(attempt)
      for (const next of attempt.end(told)) ending.push({ attempt: next, told: 'temporary' })
    }
  }

  #remember(attempt: DeliveryAttempt): void {
    if (attempt.delivered.size === 0) return
    const before = this.#entryOf(attempt)
    if (before !== undefined) this.#drop(before)
    const known = before?.delivered ?? new Set<string>()
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

  #entryOf(attempt: DeliveryAttempt): Entry | undefined {
    // Nothing is remembered most of the time.
    if (this.#entries.size === 0) return undefined
    return this.#envelopes.has(attempt.envelope) ? this.#entries.get(keyOf(attempt)) : undefined
  }

  #insert(entry: Entry): void {
    this.#entries.set(entry.key, entry)
    this.#envelopes.set(entry.envelope, (this.#envelopes.get(entry.envelope) ?? 0) + 1)
    this.#bytes += bytesOf(entry)
  }

  #drop(entry: Entry): void {
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

/** The client sent the message again while an earlier attempt was in flight, which took longer than it could wait. */
export class DuplicateInFlight extends Error {
  override readonly name = 'DuplicateInFlight'

  constructor() {
    super('an earlier attempt to send the same message is still in flight')
  }
}

/** What is remembered of one message. */
interface Entry {
  readonly envelope: string
  readonly key: string
  /** Recipients that have the message. */
  readonly delivered: ReadonlySet<string>
  readonly triedAt: number
}

/** The client does not send the message again. */
function isFinal(told: ReplyOutcome): boolean {
  return told === 'accepted' || told === 'permanent'
}

function keyOf({ envelope, digest }: DeliveryAttempt): string {
  return `${envelope} ${digest}`
}

function bytesOf({ envelope, key, delivered }: Entry): number {
  let bytes = bytesPerEntry + bytesOfText(envelope) + bytesOfText(key)
  for (const recipient of delivered) bytes += bytesPerRecipient + bytesOfText(recipient)
  return bytes
}

/** V8 takes two bytes for each character if one of them is beyond Latin-1. */
function bytesOfText(text: string): number {
  return text.length * 2
}
