import type { InputBuffer } from '../input-buffer.ts'
import type { MessageReceiver } from '../message/message-receiver.ts'
import type { Reader, SessionState } from '../session-state.ts'

/** Reads the content of a message after DATA, up to CRLF `.` CRLF (RFC 5321 section 4.1.1.4). */
export class DataReader implements Reader {
  readonly #receiver: MessageReceiver

  constructor(receiver: MessageReceiver) {
    this.#receiver = receiver
  }

  read(input: InputBuffer, state: SessionState): boolean {
    const bytes = input.peek()
    if (bytes === undefined) return false
    const received = this.#receiver.receive(bytes)
    input.consume(received.used)
    state.passOn(received)
    if (received.ended && !state.closed) {
      state.readCommands()
      state.finishMessage()
    }
    return true
  }
}
