import type { Dialogue } from '../dialogue.ts'
import type { Incoming } from '../incoming.ts'
import type { Input } from '../input.ts'
import type { Mode } from '../mode.ts'

/** The content of a mail is read, up to CRLF `.` CRLF (RFC 5321 section 4.1.1.4). */
export class ContentMode implements Mode {
  readonly #incoming: Incoming

  constructor(incoming: Incoming) {
    this.#incoming = incoming
  }

  read(input: Input, dialogue: Dialogue): boolean {
    const chunk = input.readChunk()
    if (chunk === undefined) return false
    const { used, ended } = this.#incoming.take(chunk, dialogue)
    input.unread(chunk.subarray(used))
    if (ended && !dialogue.closed) {
      dialogue.resume()
      dialogue.finishMail()
    }
    return true
  }
}
