import type { Dialogue } from '../dialogue.ts'
import { CredentialsMode } from '../modes/credentials.ts'
import { replies } from '../replies.ts'
import type { Mechanism } from '../sasl.ts'

/** AUTH: an exchange of challenges and responses begins (RFC 4954 section 4). */
export function auth(argument: string, dialogue: Dialogue): void {
  const { mechanisms, tls } = dialogue.settings
  if (mechanisms.length === 0) return dialogue.fault(replies.notImplemented)
  const [wanted = '', initial, ...more] = argument.split(' ')
  if (wanted === '' || more.length > 0) return dialogue.fault(replies.authSyntax)
  const mechanism = mechanisms.find(m => m.name === wanted.toUpperCase())
  if (mechanism === undefined) return dialogue.fault(replies.unknownMechanism)
  if (!isOffered(mechanism, dialogue)) {
    return dialogue.fault(tls === 'none' ? replies.unknownMechanism : replies.tlsForMechanism)
  }
  new CredentialsMode(mechanism.name, mechanism.begin()).begin(initial, dialogue)
}

/** A client may use the mechanism now. */
export function isOffered(mechanism: Mechanism, { settings, secure }: Dialogue): boolean {
  if (settings.tls === 'required' && !secure) return false
  return secure || settings.plaintextLogin || !mechanism.plaintext
}
