import type { Dialogue } from '../dialogue.ts'
import type { Input } from '../input.ts'
import type { Mode } from '../mode.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'

/**
 * So many bytes are read, whatever they are (RFC 3030 section 2). They are read also where the command was refused:
 * they are on their way already, and must not be taken for commands.
 */
export class ChunkMode implements Mode {
  readonly #size: number
  readonly #last: boolean
  /** Why the command is refused, whatever becomes of the mail. */
  readonly #refusal: Reply | undefined
  #missing: number

  constructor(size: number, last: boolean, refusal?: Reply) {
    this.#size = size
    this.#missing = size
    this.#last = last
    this.#refusal = refusal
  }

  begin(dialogue: Dialogue): void {
    dialogue.mode = this
    if (this.#size === 0) this.#end(dialogue)
  }

  read(input: Input, dialogue: Dialogue): boolean {
    const chunk = input.readChunk()
    if (chunk === undefined) return false
    const bytes = chunk.subarray(0, this.#missing)
    const incoming = this.#refusal === undefined ? dialogue.transaction?.incoming : undefined
    const used = incoming?.take(bytes, dialogue).used ?? bytes.length
    input.unread(chunk.subarray(used))
    this.#missing -= used
    if (this.#missing === 0 && !dialogue.closed) this.#end(dialogue)
    return true
  }

  #end(dialogue: Dialogue): void {
    dialogue.resume()
    if (this.#refusal !== undefined) dialogue.fault(this.#refusal)
    else if (this.#last) dialogue.finishMail()
    else {
      const refusal = dialogue.transaction?.incoming?.refusal
      if (refusal === undefined) dialogue.reply(replies.chunkOk(this.#size))
      else dialogue.fault(refusal)
    }
  }
}
