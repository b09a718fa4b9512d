import type { InputBuffer } from '../input-buffer.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import type { SessionState } from '../session-state.ts'
import type { Reader } from './reader.ts'

/**
 * So many bytes are read, whatever they are (RFC 3030 section 2). They are read also where the command was refused:
 * they are on their way already, and must not be taken for commands.
 */
export class BdatReader implements Reader {
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

  begin(dialogue: SessionState): void {
    dialogue.reader = this
    if (this.#size === 0) this.#end(dialogue)
  }

  read(input: InputBuffer, dialogue: SessionState): boolean {
    const chunk = input.readChunk()
    if (chunk === undefined) return false
    const bytes = chunk.subarray(0, this.#missing)
    const incoming = this.#refusal === undefined ? dialogue.transaction?.receiver : undefined
    const used = incoming?.take(bytes, dialogue).used ?? bytes.length
    input.unread(chunk.subarray(used))
    this.#missing -= used
    if (this.#missing === 0 && !dialogue.closed) this.#end(dialogue)
    return true
  }

  #end(dialogue: SessionState): void {
    dialogue.readCommands()
    if (this.#refusal !== undefined) dialogue.reject(this.#refusal)
    else if (this.#last) dialogue.finishMessage()
    else {
      const refusal = dialogue.transaction?.receiver?.refusal
      if (refusal === undefined) dialogue.reply(replies.chunkOk(this.#size))
      else dialogue.reject(refusal)
    }
  }
}
