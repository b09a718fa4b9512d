import { AuthReader } from '../readers/auth-reader.ts'
import { replies } from '../replies.ts'
import type { Mechanism } from '../sasl.ts'
import type { SessionState } from '../session-state.ts'

/** AUTH: starts an exchange of challenges and responses (RFC 4954 section 4). */
export function auth(argument: string, state: SessionState): void {
  const { mechanisms, tls } = state.settings
  if (mechanisms.length === 0) return state.reject(replies.notImplemented)
  const [name = '', initial, ...more] = argument.split(' ')
  if (name === '' || more.length > 0) return state.reject(replies.authSyntax)
  const mechanism = mechanisms.find(mechanism => mechanism.name === name.toUpperCase())
  if (mechanism === undefined) return state.reject(replies.unknownMechanism)
  if (!isOffered(mechanism, state)) {
    return state.reject(tls === 'none' ? replies.unknownMechanism : replies.tlsForMechanism)
  }
  new AuthReader(mechanism.name, mechanism.start()).start(initial, state)
}

/** True if the client may use the mechanism now. */
export function isOffered(mechanism: Mechanism, { settings, secure }: SessionState): boolean {
  if (settings.tls === 'required' && !secure) return false
  return secure || settings.allowPlaintextAuth || !mechanism.plaintext
}
