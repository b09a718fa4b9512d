import { toReplyText } from '../errors/error-info.ts'

/**
 * The most bytes of an answer's body that are read. Answers of SES and Pinpoint have a few kilobytes. A parser of the SDK
 * needs many times the memory of what it parses, so a large or endless answer could use up the memory of the process.
 */
const maxAnswerBytes = 1024 * 1024

/** The most characters of a body that the log shows. */
const maxExcerpt = 100

/** The HTTP response of a request, as the SDK has it: header names are in lower case. */
export interface Response {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  /** A stream, until `readBody` replaces it with the whole body. */
  body: unknown
}

/** Returns true if the status is 2xx. */
export function isSuccess({ statusCode }: Response): boolean {
  return statusCode >= 200 && statusCode < 300
}

/** Returns true if AWS sent the answer. The answers of a proxy, or of another program at that address, lack the header. */
export function isFromAws({ headers }: Response): boolean {
  return headers['x-amzn-requestid'] !== undefined
}

/**
 * Reads the body of a response, and replaces the stream with it, so that the SDK parses only bodies within the limit.
 * @throws AnswerTooLarge after `maxAnswerBytes`; the connection is closed
 * @throws the error of the connection if it breaks before the end of the body
 */
export async function readBody(response: Response): Promise<Buffer> {
  const parts: Buffer[] = []
  let bytes = 0
  // An exception in this loop destroys the stream, and its connection with it.
  for await (const part of response.body as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > maxAnswerBytes) throw new AnswerTooLarge(response)
    parts.push(part)
  }
  const body = Buffer.concat(parts)
  // A new view, because the SDK changes the prototype of the array.
  response.body = new Uint8Array(body.buffer, body.byteOffset, body.length)
  return body
}

/** The answer is larger than any answer of the service. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge'

  constructor({ statusCode }: Response) {
    super(`HTTP ${statusCode} with more than ${maxAnswerBytes} bytes`)
  }
}

/** A complete answer with 2xx is not from the service: it is a proxy's page, empty, or another service's answer. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer'

  constructor({ statusCode, headers }: Response, body: Buffer) {
    const type = toReplyText(headers['content-type'] ?? '') || 'no content type'
    super(
      `HTTP ${statusCode}, ${type}, ${body.length === 0 ? 'an empty body' : `that begins: ${excerpt(body)}`}`,
    )
  }
}

/** Returns the beginning of a body in one line. Long words are left out, because a server that echoes requests would show keys. */
function excerpt(body: Buffer): string {
  const text = body.toString('utf8', 0, maxExcerpt * 4)
  return toReplyText(text.replace(/[^\s"'<>,:&]{32,}/g, '...')).slice(0, maxExcerpt)
}
