import type { Content } from './content.ts'

/** One mail on its way to a backend. The content is shared with other calls: it must not be changed. */
export interface Message {
  /** The name this server gave the mail; its `Received` header and the log have it too. */
  readonly id: string
  /** The envelope sender; `''` is the null sender. */
  readonly sender: string
  /** The envelope recipients of this call, at least one, each once. */
  readonly recipients: readonly string[]
  /** The message in order: first this server's `Received` header, then exactly what the client sent. */
  readonly content: Iterable<Buffer>
  /** Bytes of the content, the `Received` header included. */
  readonly size: number
  /** Bytes of the `Received` header. */
  readonly headerBytes: number
}

/** The backend's word that the mail is safe with it. */
export interface Receipt {
  /** The name the backend gave the mail; left out where it gave none or none that can be read. */
  readonly messageId?: string
}

/** A backend: something that takes responsibility for a mail. */
export interface Relay {
  /** One word, for the log and the metrics. */
  readonly name: string
  /** The largest message, in bytes, that the backend can take: what EHLO says as SIZE unless the operator knows better. */
  readonly maxMessageBytes: number
  /** Recipients that fit in one call; without limit where left out. */
  readonly maxRecipientsPerCall?: number
  /** Calls that the backend takes at once; without limit where left out. */
  readonly maxConcurrentCalls?: number
  /** The backend takes addresses and headers in UTF-8 (RFC 6531). */
  readonly takesUtf8?: true
  /**
   * The backend takes content that is octets without lines (BINARYMIME, RFC 3030), and passes it on unchanged. A backend
   * that sends on by SMTP's DATA does not.
   */
  readonly takesBinary?: true
  /** The backend may take a mail for some of the recipients of a call and refuse it for others. */
  readonly answersPerRecipient?: boolean
  /** Keeps a mail that comes, in the form in which `send` wants it; as it is, where left out. */
  readonly content?: () => Content
  /**
   * Resolves only once the mail is safe for every recipient; it is taken then, whatever the receipt. Rejects with a
   * `PartialFailure` when it is safe for some of them, with `Refused` when it knows itself what the client shall hear,
   * else with whatever went wrong: the failure table (`failures.ts`) has a reply for every error, so a backend throws
   * what it got and need not know of SMTP.
   */
  send(mail: Message): Promise<Receipt>
  /**
   * Looks for what the backend needs besides the settings, and says what it found, a line each for the operator.
   * Rejects with an `Error` that is for the operator, too. No mail is sent.
   */
  readonly check?: () => Promise<readonly string[]>
  /** Asks how many recipients a second the backend takes from this account. */
  readonly sendRate?: () => Promise<number>
}

/** What `send` rejects with when the backend answered recipient by recipient, and not with yes for all of them. */
export class PartialFailure extends Error {
  /**
   * Why these do not have the mail, at least one, as the call named them; all others of the call have it. The first one
   * speaks for all.
   */
  readonly refused: ReadonlyMap<string, unknown>
  /** For those who have it. */
  readonly receipt: Receipt

  constructor(refused: ReadonlyMap<string, unknown>, receipt: Receipt = {}) {
    super('not every recipient was accepted')
    this.refused = new Map(refused)
    this.receipt = receipt
  }
}

/**
 * Looks at a relay before mails depend on it: a number that is none could lose them.
 * @throws TypeError with a sentence that says what is wrong with it
 */
export function assertRelay(relay: Relay): void {
  const { name, maxMessageBytes, maxRecipientsPerCall, maxConcurrentCalls } = relay
  if (typeof name !== 'string' || !/^[!-~]+$/.test(name)) throw wrong('name', 'one word of ASCII')
  if (!isLimit(maxMessageBytes)) throw wrong('maxMessageBytes', aLimit)
  if (maxRecipientsPerCall !== undefined && !isLimit(maxRecipientsPerCall))
    throw wrong('maxRecipientsPerCall', aLimit)
  if (maxConcurrentCalls !== undefined && !isLimit(maxConcurrentCalls))
    throw wrong('maxConcurrentCalls', aLimit)
  if (typeof relay.send !== 'function') throw wrong('send', 'a function')
  for (const part of ['content', 'check', 'sendRate'] as const) {
    if (relay[part] !== undefined && typeof relay[part] !== 'function') throw wrong(part, 'a function')
  }
}

const aLimit = 'a whole number, at least 1, or Infinity'

function isLimit(limit: unknown): boolean {
  return limit === Number.POSITIVE_INFINITY || (Number.isSafeInteger(limit) && Number(limit) >= 1)
}

function wrong(part: string, wanted: string): TypeError {
  return new TypeError(`The relay's ${part} has to be ${wanted}`)
}
