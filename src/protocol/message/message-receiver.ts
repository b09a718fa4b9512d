import { isBinary } from '../commands/parameters.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import type { SessionState } from '../session-state.ts'
import { DataDecoder, type Decoded } from './data-decoder.ts'

/** The content of one mail on its way to the host, however it comes: within its limits, its line endings in order. */
export class MessageReceiver {
  /** Absent for content that has no lines (BINARYMIME, RFC 3030 section 3). */
  readonly #decoder: DataDecoder | undefined
  /** Bytes of content read; more than were passed on if the mail is refused or lines were dropped. */
  #read = 0
  #size = 0
  #refusal: Reply | undefined

  /**
   * @param dots it ends with CRLF `.` CRLF (DATA), and is not counted (BDAT)
   * @param refusal the host's, if it does not want the mail: what comes of it is dropped
   */
  constructor({ settings, transaction }: SessionState, dots: boolean, refusal?: Reply) {
    const binary = transaction !== undefined && isBinary(transaction)
    this.#decoder = binary ? undefined : new DataDecoder({ dots, bareNewline: settings.bareNewline })
    this.#refusal = refusal
  }

  /** Bytes passed on: the size of the mail. */
  get size(): number {
    return this.#size
  }

  /** Why the mail is refused; what still comes of it is dropped. */
  get refusal(): Reply | undefined {
    return this.#refusal
  }

  /** Takes the next bytes, as many as it likes. They may be too many for the connection to go on. */
  take(bytes: Buffer, dialogue: SessionState): Decoded {
    const { messageBytes, discardFactor } = dialogue.settings.limits
    const drainRoom = discardFactor * messageBytes - this.#read
    // A CR that was held back may come out with these: one byte less, so that only what comes singly is too much.
    const most = Math.max(1, drainRoom - 1)
    const piece = this.#decode(bytes.length > most ? bytes.subarray(0, most) : bytes)
    this.#read += piece.size
    // A client that does not stop, however much it was refused, is not listened to for ever.
    if (piece.size > drainRoom) dialogue.close(this.#refusal ?? replies.tooLarge(messageBytes))
    else this.#pass(piece.content, dialogue)
    return piece
  }

  /** Nothing more comes. */
  end(dialogue: SessionState): void {
    if (this.#decoder !== undefined) this.#pass(this.#decoder.end(), dialogue)
  }

  /** The mail will not be complete. */
  discard(dialogue: SessionState): void {
    if (this.#refusal === undefined) dialogue.act({ type: 'discard' })
  }

  #decode(bytes: Buffer): Decoded {
    const { length } = bytes
    return this.#decoder?.read(bytes) ?? { content: bytes, used: length, size: length, ended: false }
  }

  #pass(bytes: Buffer, dialogue: SessionState): void {
    if (this.#refusal !== undefined) return
    const { messageBytes } = dialogue.settings.limits
    const room = messageBytes - this.#size
    const passed = bytes.length > room ? bytes.subarray(0, room) : bytes
    if (passed.length > 0) dialogue.act({ type: 'content', bytes: passed })
    this.#size += passed.length
    if (bytes.length > room) this.#refuse(replies.tooLarge(messageBytes), dialogue)
    else if (this.#decoder?.refused) this.#refuse(replies.bareNewlineInContent, dialogue)
  }

  #refuse(reply: Reply, dialogue: SessionState): void {
    this.#refusal = reply
    dialogue.act({ type: 'discard' })
  }
}
