import { extensionsIn } from '../replay/capabilities.ts'

const knownMechanisms = ['PLAIN', 'LOGIN', 'CRAM-MD5']

/** Collects what a server offers in its replies to EHLO, to find the conditions under which a recording can be played. */
export class EhloFeatures {
  #tls = false
  readonly #mechanisms = new Set<string>()
  #plaintextLogin = false
  #smtpUtf8 = false
  #binaryMime = false

  /** Takes the lines of a complete reply. A reply without a list of extensions changes nothing. */
  onReply(lines: readonly string[], secured: boolean): void {
    if (!lines[0]?.startsWith('250-')) return
    const extensions = extensionsIn({ lines })
    if (extensions.has('STARTTLS')) this.#tls = true
    if (extensions.has('SMTPUTF8')) this.#smtpUtf8 = true
    if (extensions.has('BINARYMIME')) this.#binaryMime = true
    for (const name of extensions.get('AUTH')?.toUpperCase().split(' ') ?? []) {
      if (knownMechanisms.includes(name)) this.#mechanisms.add(name)
      if (!secured && (name === 'PLAIN' || name === 'LOGIN')) this.#plaintextLogin = true
    }
  }

  /** Returns the conditions in the notation of `With:`. */
  conditions(implicitTls: boolean): string {
    const mechanisms = knownMechanisms.filter(name => this.#mechanisms.has(name)).join(' ')
    return [
      ...(this.#tls ? ['tls=offered'] : []),
      ...(implicitTls ? ['secure=yes'] : []),
      ...(mechanisms === '' ? [] : [`mechanisms=${mechanisms}`]),
      ...(this.#plaintextLogin ? ['plaintext-login=yes'] : []),
      ...(this.#smtpUtf8 ? ['smtputf8=yes'] : []),
      ...(this.#binaryMime ? ['binarymime=yes'] : []),
    ].join(', ')
  }
}
