import type { InputBuffer } from '../input-buffer.ts'
import type { MessageReceiver } from '../message/message-receiver.ts'
import type { SessionState } from '../session-state.ts'
import type { Reader } from './reader.ts'

/** The content of a mail is read, up to CRLF `.` CRLF (RFC 5321 section 4.1.1.4). */
export class DataReader implements Reader {
  readonly #receiver: MessageReceiver

  constructor(incoming: MessageReceiver) {
    this.#receiver = incoming
  }

  read(input: InputBuffer, dialogue: SessionState): boolean {
    const chunk = input.readChunk()
    if (chunk === undefined) return false
    const { used, ended } = this.#receiver.take(chunk, dialogue)
    input.unread(chunk.subarray(used))
    if (ended && !dialogue.closed) {
      dialogue.readCommands()
      dialogue.finishMessage()
    }
    return true
  }
}
