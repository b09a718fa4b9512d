/**
 * Parsers for the grammar of RFC 5321 sections 4.1.2 and 4.1.3, as extended by RFC 6531 section 3.3, and for xtext of
 * RFC 3461 section 4. No expression backtracks: parsing takes time linear in the length of the line.
 */

/**
 * Non-ASCII characters allowed in an address: no controls, invisible characters, line or word breaks, and no
 * surrogates, so that two addresses that look the same are the same.
 */
const nonAscii = '[^\\x00-\\x7f\\p{Cc}\\p{Cf}\\p{Cs}\\p{Z}\\p{DI}]'
const atom = `(?:[\\w!#$%&'*+/=?^\`{|}~\\-]|${nonAscii})+`
const dotString = new RegExp(`${atom}(?:\\.${atom})*`, 'uy')
const quotedString = new RegExp(`"(?:[ !#-\\[\\]-~]|\\\\[ -~]|${nonAscii})*"`, 'uy')
/** Letters, digits and hyphens. Underscores too, because host names in container networks have them. */
const letters = `(?:\\w|${nonAscii})+`
const label = `${letters}(?:-+${letters})*`
const domain = new RegExp(`${label}(?:\\.${label})*`, 'uy')
const literal = /\[([!-Z^-~]+)\]/y
const dottedQuad = /^(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/
const taggedLiteral = /^[A-Za-z0-9-]*[A-Za-z0-9]:[!-Z^-~]+$/

/**
 * Octets of a path, angle brackets included (section 4.5.3.1.3). A domain is thus shorter than the 255 octets it may
 * have.
 */
const pathOctets = 256

/** A path, and the index after its closing bracket. */
export interface PathRead {
  /** `local@domain` as written, without the source route; `''` for `<>`; or `postmaster` in upper or lower case. */
  readonly address: string
  readonly end: number
}

/** Parses `<path>` at the start of the text. Only `postmaster` may have no domain (section 4.1.1.3). */
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

/** Parses parameters of MAIL or RCPT (section 4.1.2). Names are in upper case; without `=` the value is empty. */
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

/** True for base64 with correct padding and nothing else (RFC 4648 section 4). `Buffer.from` accepts anything. */
export function isBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64') === text
}

/** True if all characters are ASCII. */
export function isAscii(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text)
}

// A byte order mark is kept: with it, a password or a name is a different one.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Decodes UTF-8 (RFC 3629 section 3); `undefined` if it is invalid. No character is replaced. */
export function readUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** Characters of the whole text that a kept part may keep in memory. */
const spareCharacters = 128

/**
 * Returns a copy that holds no other text in memory. In V8 a slice is a view of the text that it was cut from, and
 * keeps all of it alive.
 */
export function detached(text: string): string {
  return Buffer.from(text).toString()
}

/** Returns the part, or a copy of it if the whole text is much longer, for example a line full of spaces. */
export function copyOfPart(part: string, whole: string): string {
  return whole.length - part.length > spareCharacters ? detached(part) : part
}

/** True for xtext that stands for printable ASCII (RFC 3461 section 4). */
export function isXtext(text: string): boolean {
  return /^(?:[!-*,-<>-~]|\+(?:[2-6][0-9A-F]|7[0-9A-E]))*$/.test(text)
}

/**
 * Skips a source route such as `@one,@two:`, which is obsolete (appendix C). Returns where the address begins, or -1.
 */
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

/** True if IDNA would read other characters as dots, for example those of other scripts: they hide another domain. */
function hidesDots(domain: string): boolean {
  if (isAscii(domain)) return false
  return domain.normalize('NFKC').split(/[.\u3002]/).length !== domain.split('.').length
}

function isLiteral(content: string): boolean {
  if (dottedQuad.test(content)) return true
  // `URL` parses IPv6 addresses; the engine may not import `node:net`.
  if (/^IPv6:/i.test(content)) return URL.canParse(`smtp://[${content.slice(5)}]`)
  return taggedLiteral.test(content)
}

function skip(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at
  return expression.test(text) ? expression.lastIndex : -1
}
