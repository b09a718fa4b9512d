import type { InputBuffer } from '../input-buffer.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import type { Reader, SessionState } from '../session-state.ts'

/**
 * Reads one chunk of BDAT, a given number of octets of any value (RFC 3030 section 2). They are read also if the
 * command is refused: they are on their way already, and must not be read as commands.
 */
export class BdatReader implements Reader {
  readonly #size: number
  readonly #last: boolean
  /** Why the command is refused. A message that is being received is not changed by it. */
  readonly #refusal: Reply | undefined
  /** Octets of the chunk that have not come yet. */
  #missing: number

  constructor(size: number, last: boolean, refusal?: Reply) {
    this.#size = size
    this.#missing = size
    this.#last = last
    this.#refusal = refusal
  }

  /** Becomes the session's reader. A chunk of no octets ends at once. */
  start(state: SessionState): void {
    state.reader = this
    if (this.#size === 0) this.#end(state)
  }

  read(input: InputBuffer, state: SessionState): boolean {
    const next = input.peek()
    if (next === undefined) return false
    const bytes = next.length > this.#missing ? next.subarray(0, this.#missing) : next
    const receiver = this.#refusal === undefined ? state.transaction?.receiver : undefined
    const received = receiver?.receive(bytes)
    const used = received?.used ?? bytes.length
    input.consume(used)
    if (received !== undefined) state.passOn(received)
    this.#missing -= used
    if (this.#missing === 0 && !state.closed) this.#end(state)
    return true
  }

  #end(state: SessionState): void {
    state.readCommands()
    if (this.#refusal !== undefined) return state.reject(this.#refusal)
    if (this.#last) return state.finishMessage()
    const receiver = state.transaction?.receiver
    if (receiver?.refusal === undefined) state.reply(replies.chunkOk(this.#size))
    else state.rejectMessage(receiver)
  }
}
