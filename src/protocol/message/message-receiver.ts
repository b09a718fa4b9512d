import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import type { Limits } from '../settings.ts'
import { DataDecoder, type Decoded } from './data-decoder.ts'

/** What the session has to do with bytes that were received. */
export interface Received {
  /** Bytes of the input that were read. */
  readonly used: number
  /** True if CRLF `.` CRLF was read. */
  readonly ended: boolean
  /** To be passed on to the host; may be empty. */
  readonly content: Buffer
  /** True if the message was refused at these bytes, so that the host must discard it. */
  readonly discard: boolean
  /** Set if more content of a refused message has come than the session reads: close with this reply. */
  readonly tooMuch: Reply | undefined
}

/** How the content of a message comes. */
export interface ReceiverOptions {
  readonly limits: Limits
  readonly bareNewline: 'normalize' | 'reject'
  /** It ends with CRLF `.` CRLF (DATA), and its bytes are not counted in advance (BDAT). */
  readonly dots: boolean
  /** It is octets and has no lines (BINARYMIME, RFC 3030 section 3). */
  readonly binary: boolean
  /** The host's refusal of the message: its content is dropped. */
  readonly refusal?: Reply | undefined
}

/** Receives the content of one message, sent with DATA or BDAT: enforces its limits and decodes its lines. */
export class MessageReceiver {
  readonly #limits: Limits
  /** Absent for binary content. */
  readonly #decoder: DataDecoder | undefined
  /** Bytes of content that were read. More than were passed on if the message is refused or lines were dropped. */
  #read = 0
  #size = 0
  #refusal: Reply | undefined
  /** The host has refused the message. Otherwise a refusal is for an error of the client. */
  readonly refusedByHost: boolean
  /** The client has got the refusal, which was counted then. */
  isRefusalCounted = false

  constructor({ limits, bareNewline, dots, binary, refusal }: ReceiverOptions) {
    this.#limits = limits
    this.#decoder = binary ? undefined : new DataDecoder({ dots, bareNewline })
    this.#refusal = refusal
    this.refusedByHost = refusal !== undefined
  }

  /** Bytes passed on: the size of the message. */
  get size(): number {
    return this.#size
  }

  /** The reply that refuses the message; further content is dropped. */
  get refusal(): Reply | undefined {
    return this.#refusal
  }

  /** Receives the next bytes. It may read only some of them. @param bytes not empty */
  receive(bytes: Buffer): Received {
    const { messageBytes, discardFactor } = this.#limits
    const rest = discardFactor * messageBytes - this.#read
    // A CR that was held back may come out with these: one byte less, so that only bytes that come singly are too many.
    const max = Math.max(1, rest - 1)
    const { content, used, size, ended } = this.#decode(bytes.length > max ? bytes.subarray(0, max) : bytes)
    this.#read += size
    if (size > rest) {
      const tooMuch = this.#refusal ?? replies.tooLarge(messageBytes)
      return { used, ended, content: empty, discard: false, tooMuch }
    }
    return this.#passed(content, used, ended)
  }

  /** Ends the content. Returns the bytes that were held back. */
  end(): Received {
    return this.#passed(this.#decoder?.end() ?? empty, 0, true)
  }

  #decode(bytes: Buffer): Decoded {
    const { length } = bytes
    return this.#decoder?.read(bytes) ?? { content: bytes, used: length, size: length, ended: false }
  }

  #passed(bytes: Buffer, used: number, ended: boolean): Received {
    if (this.#refusal !== undefined)
      return { used, ended, content: empty, discard: false, tooMuch: undefined }
    const { messageBytes } = this.#limits
    const room = messageBytes - this.#size
    const content = bytes.length > room ? bytes.subarray(0, room) : bytes
    this.#size += content.length
    if (bytes.length > room) this.#refusal = replies.tooLarge(messageBytes)
    else if (this.#decoder?.refused) this.#refusal = replies.bareNewlineInContent
    return { used, ended, content, discard: this.#refusal !== undefined, tooMuch: undefined }
  }
}

const empty = Buffer.alloc(0)
