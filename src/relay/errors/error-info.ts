import { PartialFailure } from '../relay.ts'

/** What can be told of an error, whoever threw it: the AWS SDK, `node:http`, the file system. */
export interface ErrorInfo {
  /** Its names: the error's own, AWS's code on the wire, the system's code (`ECONNRESET`). */
  readonly names: ReadonlySet<string>
  /** What it says; may hold anything. */
  readonly text: string
  /** The HTTP status, where there was a response. */
  readonly http: number | undefined
  /** The error's code, where there was a response of AWS that could be read. Pages of proxies have none. */
  readonly code: string | undefined
}

interface Thrown {
  readonly name?: unknown
  readonly message?: unknown
  readonly code?: unknown
  readonly Code?: unknown
  readonly errors?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** What the SDK and JavaScript call an answer that has no code or cannot be read. */
const noCodes = ['Unknown', 'NotFound', 'Error', 'SyntaxError', 'TypeError', 'RangeError', 'AggregateError']

/** Reads an error. Anything may be thrown; everything can be read. Of a partial failure the first one is read. */
export function inspectError(error: unknown): ErrorInfo {
  if (error instanceof PartialFailure) {
    const [[recipient, first] = ['', undefined]] = error.refused
    const fault = inspectError(first)
    return { ...fault, text: `${recipient}: ${fault.text}` }
  }
  const thrown: Thrown = error instanceof Object ? error : { message: String(error) }
  const names = [thrown.name, thrown.Code, thrown.code].filter(name => typeof name === 'string')
  const http = thrown.$metadata?.httpStatusCode
  const code = [thrown.Code, thrown.name].find(
    (name): name is string =>
      typeof name === 'string' && /^[A-Z][\w.]+$/.test(name) && !noCodes.includes(name),
  )
  return { names: new Set(names), text: textOf(thrown), http, code: http === undefined ? undefined : code }
}

/**
 * `<name>: <message>` for the log. Only the message's first line: the later ones of `SignatureDoesNotMatch` show the
 * signed headers, and among them the session token.
 */
export function logText(error: unknown): string {
  const { names, text, http, code } = inspectError(error)
  // The words the Go program has for it, so that alarms that look for them keep working.
  if (isMissingRegion(text)) return 'MissingRegion: could not find region configuration'
  const [name = 'Error'] = names
  // A proxy's page, most likely: what the parser says of it is of no use, the status is all there is to know.
  if (http !== undefined && code === undefined) return `UnreadableAnswer: HTTP ${http}`
  return `${name}: ${text.split(/[\r\n]/, 1)[0]!.slice(0, 1000)}`
}

/** One line of printable ASCII, short enough for a reply (RFC 5321 section 4.5.3.1.5: 512 bytes in all). */
export function toReplyText(text: string): string {
  return text
    .replace(/[\s\x00-\x1f\x7f]+/g, ' ')
    .replace(/[^ -~]/g, '?')
    .trim()
    .slice(0, 400)
}

/** The SDK looks for the region when it first needs it, and has no name for the error. */
function isMissingRegion(text: string): boolean {
  return text === 'Region is missing'
}

function textOf({ message, errors, code }: Thrown): string {
  if (typeof message === 'string' && message !== '') return message
  // A host with several addresses: each one's error is inside, the error itself says nothing.
  if (Array.isArray(errors)) return errors.map(inner => textOf(inner)).join('; ')
  return typeof code === 'string' ? code : ''
}
