import type { Dialogue } from '../dialogue.ts'
import { DotReader } from '../dot-reader.ts'
import type { Input } from '../input.ts'
import { LineEndings } from '../line-endings.ts'
import type { Mode } from '../mode.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'

/** The content of a mail is read, up to CRLF `.` CRLF (RFC 5321 section 4.1.1.4). */
export class ContentMode implements Mode {
  readonly #dots = new DotReader()
  readonly #endings: LineEndings
  /** Bytes read, dots unstuffed; more than were passed on if the mail is refused or lines were dropped. */
  #read = 0
  /** Bytes passed on: the size of the mail. */
  #passed = 0
  /** Why the mail is refused once its end has come; until then what still comes of it is dropped. */
  #refusal: Reply | undefined

  constructor(dialogue: Dialogue) {
    this.#endings = new LineEndings(dialogue.settings.bareNewline)
  }

  read(input: Input, dialogue: Dialogue): boolean {
    const chunk = input.readChunk()
    if (chunk === undefined) return false
    const { content, used, ended } = this.#dots.read(chunk)
    if (used < chunk.length) input.unread(chunk.subarray(used))
    this.#pass(content, dialogue)
    if (ended && !dialogue.closed) this.#end(dialogue)
    return true
  }

  abandon(dialogue: Dialogue): void {
    if (this.#refusal === undefined) dialogue.notify({ type: 'discard' })
  }

  #pass(content: Buffer, dialogue: Dialogue): void {
    const { messageBytes, drainFactor } = dialogue.settings.limits
    const drainRoom = drainFactor * messageBytes - this.#read
    this.#read += content.length
    if (this.#refusal === undefined) {
      const bytes = this.#endings.read(content.subarray(0, drainRoom))
      const room = messageBytes - this.#passed
      const passed = bytes.subarray(0, room)
      if (passed.length > 0) dialogue.notify({ type: 'content', bytes: passed })
      this.#passed += passed.length
      if (bytes.length > room) this.#refuse(replies.tooLarge(messageBytes), dialogue)
      else if (this.#endings.refused) this.#refuse(replies.bareNewlineInContent, dialogue)
    }
    // A client that does not stop, however much it was refused, is not listened to for ever.
    if (content.length > drainRoom) dialogue.close(this.#refusal ?? replies.tooLarge(messageBytes))
  }

  #refuse(reply: Reply, dialogue: Dialogue): void {
    this.#refusal = reply
    dialogue.notify({ type: 'discard' })
  }

  #end(dialogue: Dialogue): void {
    const transaction = dialogue.transaction!
    dialogue.transaction = undefined
    dialogue.resume()
    if (this.#refusal !== undefined) return dialogue.fault(this.#refusal)
    dialogue.ask({ type: 'delivery', transaction, size: this.#passed }, replies.delivered, {
      granted: () => dialogue.forgive(),
      refused: reply => dialogue.reply(reply),
    })
  }
}
