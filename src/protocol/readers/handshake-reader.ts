import { replies } from '../replies.ts'
import type { Reader } from './reader.ts'

/**
 * STARTTLS was granted and TLS is not up yet. Whatever still comes in the clear was put there by somebody on the way,
 * or by a client that does not wait; it is never obeyed (RFC 3207 section 4.2).
 */
export const handshakeReader: Reader = {
  read(input, dialogue) {
    if (input.isEmpty) return false
    dialogue.close(replies.tlsInjection)
    return true
  },
}
