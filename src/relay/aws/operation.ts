import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Payload } from './encoded-content.ts'

/** One try of a call to AWS. */
export interface Attempt {
  /** Says when to give up. */
  readonly signal: AbortSignal
  /** The HTTP status of the answer, as soon as it is known. */
  status?: number
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

interface Response {
  readonly response: { readonly statusCode: number }
}

/** The part of an AWS client that carries requests over its connections. */
interface RequestHandler {
  handle(request: Request, options?: { readonly abortSignal?: AbortSignal }): Promise<Response>
}

/** Marks a command for `Operation`. */
export type Intercept = <C extends { readonly middlewareStack: object }>(command: C) => C

/** Bodies up to so many bytes are written at once, larger ones as the connection takes them. */
const smallBytes = 64 * 1024

/**
 * An operation of AWS whose request bodies are ready: not made by the SDK, which would hold a large one several times
 * over. The SDK runs its whole course of middlewares once, for a mail without content. What it finds on the way
 * (endpoint, path, user agent) is the same for every mail; of each call it has the rest: the signature with the
 * credentials of the moment, the connection, and the answer.
 */
export class Operation<Output> {
  readonly #rehearse: (intercept: Intercept) => Promise<unknown>
  #course: Promise<{ readonly request: Request; readonly rest: Rest<Output> }> | undefined

  /** @param rehearse sends a command that was given to `intercept`; nothing goes out */
  constructor(rehearse: (intercept: Intercept) => Promise<unknown>) {
    this.#rehearse = rehearse
  }

  /** Where calls go, as a URL without its path. @throws what the SDK throws */
  async endpoint(): Promise<string> {
    const { protocol, hostname, port } = (await this.#prepare()).request
    return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`
  }

  /** @throws what the SDK throws */
  async call({ parts, bytes, sha256 }: Payload, attempt: Attempt): Promise<Output> {
    const { request, rest } = await this.#prepare()
    const headers = {
      ...request.headers,
      'content-length': String(bytes),
      'x-amz-content-sha256': sha256,
      'amz-sdk-invocation-id': randomUUID(),
    }
    const body = new Cargo(parts, bytes, attempt)
    return (await rest({ input: {}, request: { ...request, headers, body } })).output
  }

  #prepare() {
    this.#course ??= this.#find().catch(error => {
      // What is missing now, a region perhaps, may be there for the next mail.
      this.#course = undefined
      throw error
    })
    return this.#course
  }

  async #find() {
    let found: { request: Request; rest: Rest<Output> } | undefined
    const middleware =
      (rest: Rest<Output>) =>
      async ({ request }: { readonly request: Request }) => {
        found = { request, rest }
        return { output: { $metadata: {} }, response: {} }
      }
    await this.#rehearse(command => {
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
class Cargo {
  readonly parts: readonly Buffer[]
  readonly bytes: number
  readonly attempt: Attempt

  constructor(parts: readonly Buffer[], bytes: number, attempt: Attempt) {
    this.parts = parts
    this.bytes = bytes
    this.attempt = attempt
  }
}

/** The part of a client's configuration that calls go through. */
interface Route {
  requestHandler: RequestHandler
  signer: (scheme?: never) => Promise<unknown>
}

/** Makes a client fit for an `Operation`; what else it sends goes as it did. */
export function prepare(config: Route): void {
  keepSigner(config)
  carryCargo(config)
}

/** The SDK makes a new signer for every call, although each asks anew for the credentials. */
function keepSigner(config: Route): void {
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

function carryCargo({ requestHandler }: Route): void {
  const handle = requestHandler.handle.bind(requestHandler)
  requestHandler.handle = async (request, options) => {
    const { body: cargo } = request
    if (!(cargo instanceof Cargo)) return handle(request, options)
    const { parts, bytes, attempt } = cargo
    const body = bytes <= smallBytes ? Buffer.concat(parts, bytes) : Readable.from(parts)
    const answer = await handle({ ...request, body }, { abortSignal: attempt.signal })
    attempt.status = answer.response.statusCode
    return answer
  }
}
