import type { Dialogue } from './dialogue.ts'
import { LineEndings } from './line-endings.ts'
import { replies } from './replies.ts'
import type { Reply } from './reply.ts'

/** The content of one mail on its way to the host, however it comes: within its limits, its line endings in order. */
export class Incoming {
  /** Absent for content that has no lines (BINARYMIME, RFC 3030 section 3). */
  readonly #endings: LineEndings | undefined
  /** Bytes read; more than were passed on if the mail is refused or lines were dropped. */
  #read = 0
  #size = 0
  #refusal: Reply | undefined

  /** @param refusal the host's, if it does not want the mail: what comes of it is dropped */
  constructor({ settings, transaction }: Dialogue, refusal?: Reply) {
    const binary = transaction?.sender.parameters.get('BODY')?.toUpperCase() === 'BINARYMIME'
    this.#endings = binary ? undefined : new LineEndings(settings.bareNewline)
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

  /** Takes the next bytes of the content. They may be too many for the connection to go on. */
  take(bytes: Buffer, dialogue: Dialogue): void {
    const { messageBytes, drainFactor } = dialogue.settings.limits
    const drainRoom = drainFactor * messageBytes - this.#read
    this.#read += bytes.length
    if (this.#refusal === undefined) {
      const next = bytes.subarray(0, drainRoom)
      this.#pass(this.#endings === undefined ? next : this.#endings.read(next), dialogue)
    }
    // A client that does not stop, however much it was refused, is not listened to for ever.
    if (bytes.length > drainRoom) dialogue.close(this.#refusal ?? replies.tooLarge(messageBytes))
  }

  /** Nothing more comes. */
  end(dialogue: Dialogue): void {
    if (this.#refusal === undefined && this.#endings !== undefined) this.#pass(this.#endings.end(), dialogue)
  }

  /** The mail will not be complete. */
  abandon(dialogue: Dialogue): void {
    if (this.#refusal === undefined) dialogue.notify({ type: 'discard' })
  }

  #pass(bytes: Buffer, dialogue: Dialogue): void {
    const { messageBytes } = dialogue.settings.limits
    const room = messageBytes - this.#size
    const passed = bytes.subarray(0, room)
    if (passed.length > 0) dialogue.notify({ type: 'content', bytes: passed })
    this.#size += passed.length
    if (bytes.length > room) this.#refuse(replies.tooLarge(messageBytes), dialogue)
    else if (this.#endings?.refused) this.#refuse(replies.bareNewlineInContent, dialogue)
  }

  #refuse(reply: Reply, dialogue: Dialogue): void {
    this.#refusal = reply
    dialogue.notify({ type: 'discard' })
  }
}
