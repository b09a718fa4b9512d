import { AuthReader } from '../readers/auth-reader.ts'
import { replies } from '../replies.ts'
import type { Mechanism } from '../sasl.ts'
import type { SessionState } from '../session-state.ts'

/** AUTH: an exchange of challenges and responses begins (RFC 4954 section 4). */
export function auth(argument: string, dialogue: SessionState): void {
  const { mechanisms, tls } = dialogue.settings
  if (mechanisms.length === 0) return dialogue.reject(replies.notImplemented)
  const [wanted = '', initial, ...more] = argument.split(' ')
  if (wanted === '' || more.length > 0) return dialogue.reject(replies.authSyntax)
  const mechanism = mechanisms.find(m => m.name === wanted.toUpperCase())
  if (mechanism === undefined) return dialogue.reject(replies.unknownMechanism)
  if (!isOffered(mechanism, dialogue)) {
    return dialogue.reject(tls === 'none' ? replies.unknownMechanism : replies.tlsForMechanism)
  }
  new AuthReader(mechanism.name, mechanism.start()).begin(initial, dialogue)
}

/** A client may use the mechanism now. */
export function isOffered(mechanism: Mechanism, { settings, secure }: SessionState): boolean {
  if (settings.tls === 'required' && !secure) return false
  return secure || settings.allowPlaintextAuth || !mechanism.plaintext
}
