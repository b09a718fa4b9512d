/**
 * The words of RFC 5321 section 4.1.2 and 4.1.3, and xtext of RFC 3461 section 4. Every expression is deterministic:
 * a line is read in time linear in its length, whatever it holds.
 */

const dotString = /[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*/y
const quotedString = /"(?:[ !#-[\]-~]|\\[ -~])*"/y
/** Letters, digits and hyphens; the underscore too, because hosts in container networks have it in their names. */
const domain = /\w+(?:-+\w+)*(?:\.\w+(?:-+\w+)*)*/y
const literal = /\[([!-Z^-~]+)\]/y
const dottedQuad = /^(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/
const taggedLiteral = /^[A-Za-z0-9-]*[A-Za-z0-9]:[!-Z^-~]+$/

/** Octets of a path, its angle brackets included (section 4.5.3.1.3). */
const pathOctets = 256
/** Octets of a domain (section 4.5.3.1.2). */
const domainOctets = 255

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
  if (at < 0 || text[at] !== '>' || at + 1 > pathOctets) return 'bad address'
  return { address: text.slice(start, at), end: at + 1 }
}

/** Parameters of MAIL or RCPT, names in capitals; a parameter without `=` has the empty string (section 4.1.2). */
export function readParameters(text: string): Map<string, string> | 'syntax' | 'twice' {
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
  return (
    text.length % 4 === 0 &&
    /^[A-Za-z0-9+/]*={0,2}$/.test(text) &&
    Buffer.from(text, 'base64').toString('base64') === text
  )
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
    return end - at > domainOctets ? -1 : end
  }
  literal.lastIndex = at
  const content = literal.exec(text)?.[1]
  return content !== undefined && isLiteral(content) ? literal.lastIndex : -1
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
