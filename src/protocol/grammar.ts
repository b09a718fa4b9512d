/**
 * The words of RFC 5321 section 4.1.2 and 4.1.3, as RFC 6531 section 3.3 extends them, and xtext of RFC 3461 section 4.
 * Every expression is deterministic: a line is read in time linear in its length, whatever it holds.
 */

/**
 * Characters beyond ASCII that may stand in an address: none that is a control, invisible, a line or a word break, or
 * half of a character, because two addresses that look the same shall be the same.
 */
const beyondAscii = '[^\\x00-\\x7f\\p{Cc}\\p{Cf}\\p{Cs}\\p{Z}\\p{DI}]'
const atom = `(?:[\\w!#$%&'*+/=?^\`{|}~\\-]|${beyondAscii})+`
const dotString = new RegExp(`${atom}(?:\\.${atom})*`, 'uy')
const quotedString = new RegExp(`"(?:[ !#-\\[\\]-~]|\\\\[ -~]|${beyondAscii})*"`, 'uy')
/** Letters, digits and hyphens; the underscore too, because hosts in container networks have it in their names. */
const letters = `(?:\\w|${beyondAscii})+`
const label = `${letters}(?:-+${letters})*`
const domain = new RegExp(`${label}(?:\\.${label})*`, 'uy')
const literal = /\[([!-Z^-~]+)\]/y
const dottedQuad = /^(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/
const taggedLiteral = /^[A-Za-z0-9-]*[A-Za-z0-9]:[!-Z^-~]+$/

/** Octets of a path, its angle brackets included (section 4.5.3.1.3); so a domain has less than the 255 that it may have. */
const pathOctets = 256

/** A path that was read, and where the text goes on behind its closing bracket. */
export interface PathRead {
  /** `local@domain` as written, the source route removed; `''` for `<>`; or `postmaster` in any case. */
  readonly address: string
  readonly end: number
}

/** Reads `<path>` from the start of the text. Only `postmaster` may stand without a domain (section 4.1.1.3). */
export function readPath(text: string): PathRead | 'not a path' | 'bad address' {
  if (text[0] !== '<') return 'not a path'
  if (text[1] === '>') return { address: '', end: 2 }
  let at = 1
  if (text[at] === '@') {
    at = skipRoute(text, at)
    if (at < 0) return 'bad address'
  }
  const start = at
  at = skip(text[at] === '"' ? quotedString : dotString, text, at)
  if (at < 0) return 'bad address'
  if (text[at] === '@') at = skipDomainOrLiteral(text, at + 1)
  else if (!/^postmaster$/i.test(text.slice(start, at))) return 'bad address'
  if (at < 0 || text[at] !== '>' || Buffer.byteLength(text.slice(0, at + 1)) > pathOctets)
    return 'bad address'
  return { address: text.slice(start, at), end: at + 1 }
}

const noParameters: ReadonlyMap<string, string> = new Map()

/** Parameters of MAIL or RCPT, names in capitals; a parameter without `=` has the empty string (section 4.1.2). */
export function readParameters(text: string): ReadonlyMap<string, string> | 'syntax' | 'twice' {
  if (text === '') return noParameters
  const parameters = new Map<string, string>()
  for (const word of text.split(' ')) {
    if (word === '') continue
    const [, name, value] = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?$/.exec(word) ?? []
    if (name === undefined) return 'syntax'
    const key = name.toUpperCase()
    if (parameters.has(key)) return 'twice'
    parameters.set(key, value ?? '')
  }
  return parameters
}

/** True for base64 with correct padding and nothing else in it (RFC 4648 section 4); `Buffer.from` takes anything. */
export function isBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64') === text
}

/** True for text that stays the same in every encoding that a mail server knows. */
export function isAscii(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text)
}

// A byte order mark is kept: a password or a name that begins with one is another one.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text that UTF-8 stands for, `undefined` where it is none: nothing is guessed or replaced (RFC 3629 section 3). */
export function readUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** Characters that a kept part may hold in memory besides its own. */
const spareCharacters = 128

/**
 * Returns a copy that holds no other text in memory. In V8 a slice is a view of the text that it was cut from, and keeps
 * all of it alive.
 */
export function detached(text: string): string {
  return Buffer.from(text).toString()
}

/** Returns the part for keeping: a copy if the whole text is much longer, for example a line full of spaces. */
export function copyOf(part: string, whole: string): string {
  return whole.length - part.length > spareCharacters ? detached(part) : part
}

/** True for xtext that stands for printable ASCII (RFC 3461 section 4). */
export function isXtext(text: string): boolean {
  return /^(?:[!-*,-<>-~]|\+(?:[2-6][0-9A-F]|7[0-9A-E]))*$/.test(text)
}

/** `@one,@two:` in front of an address, which nobody follows any more (appendix C): where the address begins. */
function skipRoute(text: string, at: number): number {
  for (;;) {
    if (text[at] !== '@') return -1
    at = skipDomainOrLiteral(text, at + 1)
    if (at < 0) return -1
    if (text[at] === ':') return at + 1
    if (text[at] !== ',') return -1
    at++
  }
}

function skipDomainOrLiteral(text: string, at: number): number {
  if (text[at] !== '[') {
    const end = skip(domain, text, at)
    return hidesDots(text.slice(at, end)) ? -1 : end
  }
  literal.lastIndex = at
  const content = literal.exec(text)?.[1]
  return content !== undefined && isLiteral(content) ? literal.lastIndex : -1
}

/** IDNA takes dots of other scripts, and characters that stand for one, for dots: they hide one domain in another. */
function hidesDots(domain: string): boolean {
  if (isAscii(domain)) return false
  return domain.normalize('NFKC').split(/[.\u3002]/).length !== domain.split('.').length
}

function isLiteral(content: string): boolean {
  if (dottedQuad.test(content)) return true
  // A URL knows what an IPv6 address is; the engine has nothing else at hand that does.
  if (/^IPv6:/i.test(content)) return URL.canParse(`smtp://[${content.slice(5)}]`)
  return taggedLiteral.test(content)
}

function skip(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at
  return expression.test(text) ? expression.lastIndex : -1
}
