import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { AnswerTooLarge, isFromAws, isSuccess, type Response, readBody, UnexpectedAnswer } from './answer.ts'
import type { Payload } from './encoded-content.ts'

/** One try of a call to AWS. */
export interface CallControl {
  /** Says when to give up. */
  readonly signal: AbortSignal
  /** AWS itself has said 2xx, and the end of its answer has not come yet. */
  accepted?: boolean
}

/** The rest of the SDK's middlewares: they sign, send, and make the operation's output or an exception of the answer. */
type Rest<Output> = (call: {
  readonly input: object
  readonly request: Request
}) => Promise<{ readonly output: Output }>

/** A request of the SDK. */
interface Request {
  /** With a colon behind it. */
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** The part of an AWS client that carries requests over its connections. */
interface RequestHandler {
  handle(request: Request, options?: { readonly abortSignal?: AbortSignal }): Promise<Answer>
}

interface Answer {
  readonly response: Response
}

/** Marks a command for `PreparedCall`. */
export type Intercept = <C extends { readonly middlewareStack: object }>(command: C) => C

/** Bodies up to so many bytes are written at once, larger ones as the connection takes them. */
const smallBytes = 64 * 1024

/**
 * An operation of AWS whose request bodies are ready: not made by the SDK, which would hold a large one several times
 * over. The SDK runs its whole course of middlewares once, for a mail without content. What it finds on the way
 * (endpoint, path, user agent) is the same for every mail; of each call it has the rest: the signature with the
 * credentials of the moment, the connection, and the answer.
 */
export class PreparedCall<Output> {
  readonly #dryRun: (intercept: Intercept) => Promise<unknown>
  readonly #isComplete: (output: Output) => boolean
  #prepared: Promise<{ readonly request: Request; readonly rest: Rest<Output> }> | undefined

  /**
   * @param rehearse sends a command that was given to `intercept`; nothing goes out
   * @param isComplete true if the output has what the service always says of a message that it has accepted
   */
  constructor(rehearse: (intercept: Intercept) => Promise<unknown>, isComplete: (output: Output) => boolean) {
    this.#dryRun = rehearse
    this.#isComplete = isComplete
  }

  /** Where calls go, as a URL without its path. @throws what the SDK throws */
  async endpoint(): Promise<string> {
    const { protocol, hostname, port } = (await this.#prepare()).request
    return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`
  }

  /**
   * Makes one call, and resolves to what the service says of an accepted message.
   * @throws UnexpectedAnswer if a whole answer says 2xx and is not the service's: no recipient has the message then
   * @throws what the SDK throws
   */
  async call({ parts, bytes, sha256 }: Payload, attempt: CallControl): Promise<Output> {
    const { request, rest } = await this.#prepare()
    const headers = {
      ...request.headers,
      'content-length': String(bytes),
      'x-amz-content-sha256': sha256,
      'amz-sdk-invocation-id': randomUUID(),
    }
    const cargo = new StreamingBody(parts, bytes, attempt)
    try {
      const { output } = await rest({ input: {}, request: { ...request, headers, body: cargo } })
      if (this.#isComplete(output)) return output
    } catch (error) {
      if (cargo.answer === undefined || !isSuccess(cargo.answer.response)) throw error
      // The message of the parser would not help an operator; the beginning of the page does.
    }
    const { response, body } = cargo.answer!
    throw new UnexpectedAnswer(response, body)
  }

  #prepare() {
    this.#prepared ??= this.#find().catch(error => {
      // What is missing now, a region perhaps, may be there for the next mail.
      this.#prepared = undefined
      throw error
    })
    return this.#prepared
  }

  async #find() {
    let found: { request: Request; rest: Rest<Output> } | undefined
    const middleware =
      (rest: Rest<Output>) =>
      async ({ request }: { readonly request: Request }) => {
        found = { request, rest }
        return { output: { $metadata: {} }, response: {} }
      }
    await this.#dryRun(command => {
      // The SDK's own type of this wants to know which command it is.
      const stack = command.middlewareStack as { addRelativeTo(middleware: unknown, place: object): void }
      stack.addRelativeTo(middleware, { relation: 'before', toMiddleware: 'httpSigningMiddleware' })
      return command
    })
    if (found === undefined) throw new Error('the AWS SDK signs otherwise than was expected')
    return found
  }
}

/** The body of a prepared request, and for whom it goes. The SDK passes it on and does not look inside. */
class StreamingBody {
  readonly parts: readonly Buffer[]
  readonly bytes: number
  readonly control: CallControl
  /** The answer, once all of it has come. */
  answer: { readonly response: Response; readonly body: Buffer } | undefined

  constructor(parts: readonly Buffer[], bytes: number, attempt: CallControl) {
    this.parts = parts
    this.bytes = bytes
    this.control = attempt
  }
}

/** The part of a client's configuration that calls go through. */
interface Route {
  requestHandler: RequestHandler
  signer: (scheme?: never) => Promise<unknown>
}

/** Makes a client fit for an `PreparedCall`; what else it sends goes as it did. */
export function installPreparedCalls(config: Route): void {
  cacheSigner(config)
  sendPreparedBodies(config)
}

/** The SDK makes a new signer for every call, although each asks anew for the credentials. */
function cacheSigner(config: Route): void {
  const make = config.signer
  let kept: Promise<unknown> | undefined
  config.signer = scheme => {
    kept ??= make(scheme).catch(error => {
      kept = undefined
      throw error
    })
    return kept
  }
}

function sendPreparedBodies({ requestHandler }: Route): void {
  const handle = requestHandler.handle.bind(requestHandler)
  requestHandler.handle = async (request, options) => {
    const { body: cargo } = request
    if (!(cargo instanceof StreamingBody)) {
      const answer = await handle(request, options)
      await readBody(answer.response)
      return answer
    }
    const { parts, bytes, control } = cargo
    const body = bytes <= smallBytes ? Buffer.concat(parts, bytes) : Readable.from(parts)
    const answer = await handle({ ...request, body }, { abortSignal: control.signal })
    const { response } = answer
    control.accepted = isSuccess(response) && isFromAws(response)
    try {
      cargo.answer = { response, body: await readBody(response) }
      // The whole answer is here: its body decides from now on.
      control.accepted = false
    } catch (error) {
      if (error instanceof AnswerTooLarge) control.accepted = false
      throw error
    }
    return answer
  }
}
