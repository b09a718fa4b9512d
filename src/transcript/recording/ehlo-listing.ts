import { extensionsIn } from '../replay/capabilities.ts'

const known = ['PLAIN', 'LOGIN', 'CRAM-MD5']

/** What a server lists in a dialogue, from which follows under which conditions the dialogue can be played. */
export class EhloListing {
  #tls = false
  readonly #mechanisms = new Set<string>()
  #plaintextLogin = false
  #smtpUtf8 = false
  #binaryMime = false

  /** A whole reply; one that lists nothing changes nothing. */
  hear(lines: readonly string[], secured: boolean): void {
    if (!lines[0]?.startsWith('250-')) return
    const extensions = extensionsIn({ lines })
    if (extensions.has('STARTTLS')) this.#tls = true
    if (extensions.has('SMTPUTF8')) this.#smtpUtf8 = true
    if (extensions.has('BINARYMIME')) this.#binaryMime = true
    for (const name of extensions.get('AUTH')?.toUpperCase().split(' ') ?? []) {
      if (known.includes(name)) this.#mechanisms.add(name)
      if (!secured && (name === 'PLAIN' || name === 'LOGIN')) this.#plaintextLogin = true
    }
  }

  /** As they stand behind `With:`. */
  conditions(implicitTls: boolean): string {
    const mechanisms = known.filter(name => this.#mechanisms.has(name)).join(' ')
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
