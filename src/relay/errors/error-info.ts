/** What is known of a thrown value, whatever threw it: the AWS SDK, `node:http`, the file system, a backend. */
export interface ErrorInfo {
  /** Its names: the error's own name, AWS's code on the wire, the system's code (`ECONNRESET`). */
  readonly names: ReadonlySet<string>
  /** The message. May contain anything. */
  readonly text: string
  /** The HTTP status, if there was a response. */
  readonly http: number | undefined
  /** The error code, if there was a response of AWS that could be parsed. The pages of proxies have none. */
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

/** Names that the SDK and JavaScript give to an answer without a code, or to one that cannot be parsed. */
const noCodes = ['Unknown', 'NotFound', 'Error', 'SyntaxError', 'TypeError', 'RangeError', 'AggregateError']

/** Inspects a thrown value. Accepts any value. Never throws for an object without throwing getters. */
export function inspectError(error: unknown): ErrorInfo {
  const thrown: Thrown = error instanceof Object ? error : { message: String(error) }
  const names = [thrown.name, thrown.Code, thrown.code].filter(name => typeof name === 'string')
  const http = thrown.$metadata?.httpStatusCode
  const code = [thrown.Code, thrown.name].find(
    (name): name is string =>
      typeof name === 'string' && /^[A-Z][\w.]+$/.test(name) && !noCodes.includes(name),
  )
  return { names: new Set(names), text: textOf(thrown), http, code: http === undefined ? undefined : code }
}

/** Returns `<name>: <message>` of a thrown value for the log. See `logTextOf`. */
export function logText(error: unknown): string {
  return logTextOf(inspectError(error))
}

/**
 * Returns `<name>: <message>` for the log. Only the first line of the message: the other lines of `SignatureDoesNotMatch`
 * contain the signed headers, and among them the session token.
 */
export function logTextOf({ names, text, http, code }: ErrorInfo): string {
  // The words of the Go program, so that alarms that search for them keep working.
  if (isMissingRegion(text)) return 'MissingRegion: could not find region configuration'
  const [name = 'Error'] = names
  // Most likely the page of a proxy. The parser's message is of no use, so that only the status is worth logging.
  if (http !== undefined && code === undefined) return `UnreadableAnswer: HTTP ${http}`
  return `${name}: ${text.split(/[\r\n]/, 1)[0]!.slice(0, 1000)}`
}

/** Returns one line of printable ASCII of at most 400 characters: a reply has 512 bytes (RFC 5321 section 4.5.3.1.5). */
export function toReplyText(text: string): string {
  return text
    .replace(/[\s\x00-\x1f\x7f]+/g, ' ')
    .replace(/[^ -~]/g, '?')
    .trim()
    .slice(0, 400)
}

/** The SDK resolves the region at the first call, and its error has no name of its own. */
function isMissingRegion(text: string): boolean {
  return text === 'Region is missing'
}

function textOf({ message, errors, code }: Thrown): string {
  if (typeof message === 'string' && message !== '') return message
  // If a host has several addresses, the error has no message, but one error for each address.
  if (Array.isArray(errors)) return errors.map(inner => textOf(inner)).join('; ')
  return typeof code === 'string' ? code : ''
}
