import { toReplyText } from '../errors/error-info.ts'

/**
 * Bytes of an answer's body that are read, at most. Answers of SES and Pinpoint have a few kilobytes; a parser of the
 * SDK takes many times the memory of what it parses, so a large or endless answer could use up the process's memory.
 */
const maxAnswerBytes = 1024 * 1024

/** Characters of a body that the log shows. */
const maxExcerpt = 100

/** The HTTP response of a request, as the SDK has it: names of headers are in lower case. */
export interface Response {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  /** A stream, until `readBody` puts the whole body in its place. */
  body: unknown
}

/** True if the status says that the service has done what it was asked to do. */
export function isSuccess({ statusCode }: Response): boolean {
  return statusCode >= 200 && statusCode < 300
}

/** True if AWS itself answers: a proxy's page, or another program at that address, has no such header. */
export function isFromAws({ headers }: Response): boolean {
  return headers['x-amzn-requestid'] !== undefined
}

/**
 * Reads the body of a response and puts it in the place of the stream, so that the SDK parses what has passed the limit.
 * @throws AnswerTooLarge after `maxAnswerBytes`; the connection ends with that
 * @throws what the connection reports if it breaks before the end of the body
 */
export async function readBody(response: Response): Promise<Buffer> {
  const parts: Buffer[] = []
  let bytes = 0
  // Leaving this loop by an exception destroys the stream, and its connection with it.
  for await (const part of response.body as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > maxAnswerBytes) throw new AnswerTooLarge(response)
    parts.push(part)
  }
  const body = Buffer.concat(parts)
  // A new view, because the SDK changes the prototype of what it reads.
  response.body = new Uint8Array(body.buffer, body.byteOffset, body.length)
  return body
}

/** An answer that is larger than any of the service's. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge'

  constructor({ statusCode }: Response) {
    super(`HTTP ${statusCode} with more than ${maxAnswerBytes} bytes`)
  }
}

/** A whole answer that says 2xx and is not the service's: a proxy's page, an empty body, another service's answer. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer'

  constructor({ statusCode, headers }: Response, body: Buffer) {
    const type = toReplyText(headers['content-type'] ?? '') || 'no content type'
    super(
      `HTTP ${statusCode}, ${type}, ${body.length === 0 ? 'an empty body' : `that begins: ${excerpt(body)}`}`,
    )
  }
}

/** The first words of a body, in one line. Long ones are left out: a server that echoes requests would show keys. */
function excerpt(body: Buffer): string {
  const text = body.toString('utf8', 0, maxExcerpt * 4)
  return toReplyText(text.replace(/[^\s"'<>,:&]{32,}/g, '...')).slice(0, maxExcerpt)
}
