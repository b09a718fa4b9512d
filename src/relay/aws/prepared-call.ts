import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { AnswerTooLarge, isFromAws, isSuccess, type Response, readBody, UnexpectedAnswer } from './answer.ts'
import type { Payload } from './encoded-content.ts'

/** One try of a call to AWS. */
export interface CallControl {
  /** Aborts when the call times out. */
  readonly signal: AbortSignal
  /** AWS itself has answered 2xx, and the end of its answer has not arrived yet. */
  accepted?: boolean
}

/** The remaining middlewares of the SDK: they sign, send, and parse the answer into an output or an exception. */
type Rest<Output> = (call: {
  readonly input: object
  readonly request: HttpRequest
}) => Promise<{ readonly output: Output }>

/** A request of the SDK. */
interface HttpRequest {
  /** With a colon at its end: `https:`. */
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** The part of an AWS client that sends requests over its connections. */
interface RequestHandler {
  handle(request: HttpRequest, options?: { readonly abortSignal?: AbortSignal }): Promise<HandlerResult>
}

interface HandlerResult {
  readonly response: Response
}

/** Adds the middleware of a `PreparedCall` to a command. */
export type Intercept = <C extends { readonly middlewareStack: object }>(command: C) => C

/** A body of at most this number of bytes is written at once, a larger one part by part. */
const smallBodyBytes = 64 * 1024

/**
 * An operation of AWS whose request bodies are made here and not by the SDK, which would hold several copies of a large
 * body. The SDK's middleware stack runs once, with an empty body. Endpoint, path and user agent are reused; only signing,
 * with the current credentials, sending and parsing the answer run for each call.
 */
export class PreparedCall<Output> {
  readonly #dryRun: (intercept: Intercept) => Promise<unknown>
  readonly #isComplete: (output: Output) => boolean
  #prepared: Promise<{ readonly request: HttpRequest; readonly rest: Rest<Output> }> | undefined

  /**
   * @param dryRun sends a command that was passed to `intercept`; no request is sent
   * @param isComplete returns true if the output contains what the service always returns for an accepted message
   */
  constructor(dryRun: (intercept: Intercept) => Promise<unknown>, isComplete: (output: Output) => boolean) {
    this.#dryRun = dryRun
    this.#isComplete = isComplete
  }

  /** Returns the URL of the service, without path. @throws the SDK's errors */
  async endpoint(): Promise<string> {
    const { protocol, hostname, port } = (await this.#prepare()).request
    return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`
  }

  /**
   * Makes one call, and returns the output of the service for an accepted message.
   * @throws UnexpectedAnswer if a complete answer with 2xx is not from the service; then no recipient has the message
   * @throws the SDK's errors
   */
  async call({ parts, bytes, sha256 }: Payload, control: CallControl): Promise<Output> {
    const { request, rest } = await this.#prepare()
    const headers = {
      ...request.headers,
      'content-length': String(bytes),
      'x-amz-content-sha256': sha256,
      'amz-sdk-invocation-id': randomUUID(),
    }
    const streamingBody = new StreamingBody(parts, bytes, control)
    try {
      const { output } = await rest({ input: {}, request: { ...request, headers, body: streamingBody } })
      if (this.#isComplete(output)) return output
    } catch (error) {
      if (streamingBody.answer === undefined || !isSuccess(streamingBody.answer.response)) throw error
      // The message of the parser does not help an operator. The beginning of the body does.
    }
    const { response, body } = streamingBody.answer!
    throw new UnexpectedAnswer(response, body)
  }

  #prepare() {
    this.#prepared ??= this.#runDry().catch(error => {
      // What is missing now, for example a region, may be there for the next message.
      this.#prepared = undefined
      throw error
    })
    return this.#prepared
  }

  async #runDry() {
    let found: { request: HttpRequest; rest: Rest<Output> } | undefined
    const middleware =
      (rest: Rest<Output>) =>
      async ({ request }: { readonly request: HttpRequest }) => {
        found = { request, rest }
        return { output: { $metadata: {} }, response: {} }
      }
    await this.#dryRun(command => {
      // The SDK's type of the stack depends on the command.
      const stack = command.middlewareStack as { addRelativeTo(middleware: unknown, place: object): void }
      stack.addRelativeTo(middleware, { relation: 'before', toMiddleware: 'httpSigningMiddleware' })
      return command
    })
    if (found === undefined)
      throw new Error('this version of the AWS SDK has no middleware httpSigningMiddleware')
    return found
  }
}

/** The body of a request, with the control of its call. The SDK passes the object on unchanged. */
class StreamingBody {
  readonly parts: readonly Buffer[]
  readonly bytes: number
  readonly control: CallControl
  /** The answer, after all of it has arrived. */
  answer: { readonly response: Response; readonly body: Buffer } | undefined

  constructor(parts: readonly Buffer[], bytes: number, control: CallControl) {
    this.parts = parts
    this.bytes = bytes
    this.control = control
  }
}

/** The part of a client's configuration that sends and signs requests. */
interface SendingConfig {
  requestHandler: RequestHandler
  signer: (scheme?: never) => Promise<unknown>
}

/** Makes a client ready for `PreparedCall`. Its other requests are sent as before. */
export function installPreparedCalls(config: SendingConfig): void {
  cacheSigner(config)
  sendPreparedBodies(config)
}

/** Reuses one signer. The SDK creates one for every call, although a signer asks for the credentials at each use. */
function cacheSigner(config: SendingConfig): void {
  const createSigner = config.signer
  let cached: Promise<unknown> | undefined
  config.signer = scheme => {
    cached ??= createSigner(scheme).catch(error => {
      cached = undefined
      throw error
    })
    return cached
  }
}

function sendPreparedBodies({ requestHandler }: SendingConfig): void {
  const handle = requestHandler.handle.bind(requestHandler)
  requestHandler.handle = async (request, options) => {
    const { body: streamingBody } = request
    if (!(streamingBody instanceof StreamingBody)) {
      const answer = await handle(request, options)
      await readBody(answer.response)
      return answer
    }
    const { parts, bytes, control } = streamingBody
    const body = bytes <= smallBodyBytes ? Buffer.concat(parts, bytes) : Readable.from(parts)
    const answer = await handle({ ...request, body }, { abortSignal: control.signal })
    const { response } = answer
    control.accepted = isSuccess(response) && isFromAws(response)
    try {
      streamingBody.answer = { response, body: await readBody(response) }
      // The whole answer is here. From now on its body decides.
      control.accepted = false
    } catch (error) {
      if (error instanceof AnswerTooLarge) control.accepted = false
      throw error
    }
    return answer
  }
}
