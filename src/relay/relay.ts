import type { Content } from './content.ts'

/** One message that is passed to a backend. The content is shared with other calls, and must not be changed. */
export interface Message {
  /** This server's ID of the message, which is also in its `Received` header. */
  readonly id: string
  /** The envelope sender; `''` is the null sender. */
  readonly sender: string
  /** The envelope recipients of this call: at least one, without duplicates. */
  readonly recipients: readonly string[]
  /** The message in order: this server's `Received` header, then exactly what the client sent. */
  readonly content: Iterable<Buffer>
  /** Bytes of the content, the `Received` header included. */
  readonly size: number
  /** Bytes of the `Received` header. */
  readonly headerBytes: number
}

/** Returned when the backend has accepted the message. */
export interface Receipt {
  /** The backend's ID of the message. Left out if it returns none, or none that can be read. */
  readonly messageId?: string
}

/** A backend: something that takes responsibility for messages. */
export interface Relay {
  /** One word, for the log and the metrics. */
  readonly name: string
  /** The largest message, in bytes, that the backend accepts. EHLO announces it as SIZE unless the operator sets a limit. */
  readonly maxMessageBytes: number
  /** The most recipients of one call. Without limit if left out. */
  readonly maxRecipientsPerCall?: number
  /** The most calls at the same time. Without limit if left out. */
  readonly maxConcurrentCalls?: number
  /** The backend accepts addresses and headers in UTF-8 (RFC 6531). */
  readonly takesUtf8?: true
  /**
   * The backend accepts content without lines (BINARYMIME, RFC 3030), and passes it on unchanged. A backend that sends on
   * with SMTP's DATA does not.
   */
  readonly takesBinary?: true
  /** The backend may accept a message for some recipients of a call and reject it for others. */
  readonly answersPerRecipient?: boolean
  /** Creates the storage for the content of a message, in the form that `send` needs. `RawContent` if left out. */
  readonly content?: () => Content
  /**
   * Sends a message. Resolves only after every recipient's copy is safe; then the message counts as accepted, whatever the
   * receipt says.
   * @throws PartialFailure if the message is accepted for some of the recipients
   * @throws Refused if the backend chooses the reply itself
   * @throws anything else: the error table (`errorTable`) has a reply for every error, so that a backend rethrows what it
   *   got and need not know SMTP
   */
  send(message: Message): Promise<Receipt>
  /**
   * Checks what the backend needs besides its settings, without sending a message. Returns what it found, one line each, for
   * the operator.
   * @throws Error for the operator
   */
  readonly check?: () => Promise<readonly string[]>
  /** Returns how many recipients per second the backend accepts from this account. */
  readonly sendRate?: () => Promise<number>
}

/** `send` rejects with it if the backend accepted the message for some recipients of the call, and not for others. */
export class PartialFailure extends Error {
  /**
   * Why these recipients, at least one, do not have the message, by the names that they have in the call. All other
   * recipients of the call have it. If no error is temporary, the reply is that of the first one.
   */
  readonly refused: ReadonlyMap<string, unknown>
  /** For the recipients that have the message. */
  readonly receipt: Receipt

  constructor(refused: ReadonlyMap<string, unknown>, receipt: Receipt = {}) {
    super('not every recipient was accepted')
    this.refused = new Map(refused)
    this.receipt = receipt
  }
}

/**
 * Validates a backend before messages depend on it. A limit that is not a number could lose messages.
 * @throws TypeError that says what is wrong
 */
export function assertRelay(relay: Relay): void {
  const { name, maxMessageBytes, maxRecipientsPerCall, maxConcurrentCalls } = relay
  if (typeof name !== 'string' || !/^[!-~]+$/.test(name)) throw invalid('name', 'one word of ASCII')
  if (!isLimit(maxMessageBytes)) throw invalid('maxMessageBytes', limitType)
  if (maxRecipientsPerCall !== undefined && !isLimit(maxRecipientsPerCall))
    throw invalid('maxRecipientsPerCall', limitType)
  if (maxConcurrentCalls !== undefined && !isLimit(maxConcurrentCalls))
    throw invalid('maxConcurrentCalls', limitType)
  if (typeof relay.send !== 'function') throw invalid('send', 'a function')
  for (const property of ['content', 'check', 'sendRate'] as const) {
    if (relay[property] !== undefined && typeof relay[property] !== 'function')
      throw invalid(property, 'a function')
  }
}

const limitType = 'a whole number, at least 1, or Infinity'

function isLimit(limit: unknown): boolean {
  return limit === Number.POSITIVE_INFINITY || (Number.isSafeInteger(limit) && Number(limit) >= 1)
}

function invalid(property: string, expected: string): TypeError {
  return new TypeError(`The relay's ${property} has to be ${expected}`)
}
