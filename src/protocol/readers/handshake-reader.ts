import { replies } from '../replies.ts'
import type { Reader } from '../session-state.ts'

/**
 * STARTTLS was accepted and TLS is not up yet. Plaintext that still comes was injected by an attacker, or sent by a
 * client that does not wait; it is never executed (RFC 3207 section 4.2).
 */
export const handshakeReader: Reader = {
  read(input, state) {
    if (input.isEmpty) return false
    state.close('errors', replies.tlsInjection)
    return true
  },
}
