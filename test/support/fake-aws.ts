import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type Account, checkSignature } from './aws-signature.ts'

/** How the fake service treats one request. */
export type Outcome =
  /** 200 with the answer of the service. */
  | { readonly type: 'accept'; readonly messageId?: string }
  /** An error as the service writes it. */
  | { readonly type: 'refuse'; readonly status: number; readonly code: string; readonly message: string }
  /** Any HTTP answer, for example of a proxy. */
  | { readonly type: 'answer'; readonly status: number; readonly contentType: string; readonly body: string }
  /** A status before the body of the request was read, then the end of the connection, like a proxy. */
  | { readonly type: 'cutShort'; readonly status: number }
  /** 200 and the beginning of a body, then a reset. */
  | { readonly type: 'truncate'; readonly body: string; readonly from?: 'a proxy' }
  /** 200 and the beginning of a body that never ends. */
  | { readonly type: 'stall'; readonly body: string; readonly from?: 'a proxy' }
  /** Reads the request and never answers. */
  | { readonly type: 'hang' }
  /** Resets the connection, before or after reading the body of the request. */
  | { readonly type: 'reset'; readonly bodyRead: boolean }
  /** Sends these bytes, which need not be HTTP, and closes the connection. */
  | { readonly type: 'fragment'; readonly bytes: string }

/** Decides every request instead of the script, and is notified of the result. */
export interface Director<Call> {
  /** Called when a request begins. Returns true to reset its connection without reading it. */
  rejectsNext(): boolean
  /** Called when a message was read completely. It is not added to `calls`. */
  decide(call: Call): Decision
}

/** What happens to a message that was read. */
export interface Decision {
  readonly outcome: Outcome
  /** Milliseconds until the answer (default 0). */
  readonly afterMs?: number
  /** Called once after the answer. @param whole true if the system has taken all of it */
  readonly answered?: (whole: boolean) => void
}

/** An HTTP answer. */
export interface Answer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: string
}

/** An HTTP request. */
export interface ReceivedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A certificate and its key, both PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/**
 * A fake AWS service on 127.0.0.1. It checks the signature of each request, keeps the messages, and answers as the test
 * says. Start the program with its `environment`.
 */
export abstract class FakeAws<Call> {
  /** Number of requests, whatever their outcome. */
  requests = 0
  /** The messages that were read, in the order in which they ended. */
  readonly calls: Call[] = []
  /** The last request that was read completely. */
  lastRequest: ReceivedRequest | undefined
  /** Number of connections that were opened. */
  connections = 0
  /** Send rate of the account, in recipients per second. If undefined, requests for the quota are denied. */
  maxSendRate: number | undefined
  /** If undefined, the script and `always` decide. */
  director: Director<Call> | undefined
  readonly #scheme: 'http' | 'https'
  readonly #server: Server
  readonly #accounts = new Map<string, Account>([['AKIDEXAMPLE', { secret: 'not-a-secret' }]])
  readonly #script: Outcome[] = []
  #always: Outcome = { type: 'accept' }
  #arrivals: (() => void)[] = []

  constructor(certificate?: Certificate) {
    const serve: RequestListener = (request, response) => void this.#serve(request, response)
    this.#scheme = certificate ? 'https' : 'http'
    this.#server = certificate ? createTlsServer(certificate, serve) : createServer(serve)
    this.#server.on('connection', () => this.connections++)
  }

  /** The name of the service in signatures. */
  protected abstract readonly service: string
  /** Parses a message. Returns undefined for a request for the quota of the account. */
  protected abstract read(request: IncomingMessage, body: Buffer): Call | undefined
  protected abstract accepted(call: Call, messageId: string): Answer
  protected abstract refused(outcome: Extract<Outcome, { type: 'refuse' }>): Answer
  protected abstract quota(maxSendRate: number): Answer

  get endpoint(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Environment variables for a program that sends its mail here. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'not-a-secret',
      AWS_EC2_METADATA_DISABLED: 'true',
    }
  }

  /** Accepts requests of another account too. */
  trust(accessKeyId: string, account: Account): void {
    this.#accounts.set(accessKeyId, account)
  }

  /** Rejects requests of an account from now on. */
  distrust(accessKeyId: string): void {
    this.#accounts.delete(accessKeyId)
  }

  /** Sets the outcomes of the next requests, one for each. Then `always` applies. */
  script(...outcomes: readonly Outcome[]): void {
    this.#script.push(...outcomes)
  }

  /** Sets the outcome of requests that are not in the script. */
  always(outcome: Outcome): void {
    this.#always = outcome
  }

  /** Resolves at the next request. */
  arrival(): Promise<void> {
    return new Promise(resolve => this.#arrivals.push(resolve))
  }

  /** Starts listening, also after `close`. @param port default: a free port */
  async listen(port = 0): Promise<this> {
    await new Promise<void>(resolve => this.#server.listen(port, '127.0.0.1', resolve))
    return this
  }

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++
    const outcome = this.#script.shift() ?? this.#always
    for (const arrived of this.#arrivals.splice(0)) arrived()
    const unread = this.director?.rejectsNext() ?? (outcome.type === 'reset' && !outcome.bodyRead)
    if (unread) return reset(request.socket)
    if (outcome.type === 'cutShort') {
      return void response.writeHead(outcome.status, { connection: 'close' }).end()
    }
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk)
    } catch {
      return // The client closed the connection.
    }
    const body = Buffer.concat(chunks)
    this.lastRequest = { method: request.method!, url: request.url!, headers: request.headers, body }
    const problem = checkSignature(request, body, this.service, this.#accounts)
    if (problem) return answerAsAws(response, this.refused({ type: 'refuse', status: 403, ...problem }))
    const call = this.read(request, body)
    if (call !== undefined && this.director) {
      return this.#direct(this.director.decide(call), call, request, response)
    }
    if (call !== undefined) this.calls.push(call)
    this.#answer(outcome, call, request, response)
  }

  #direct(decision: Decision, call: Call, request: IncomingMessage, response: ServerResponse): void {
    const { outcome, afterMs = 0, answered } = decision
    response.once('close', () => answered?.(response.writableFinished))
    const answer = () => {
      if (!response.destroyed) this.#answer(outcome, call, request, response)
    }
    if (afterMs === 0) answer()
    else setTimeout(answer, afterMs)
  }

  #answer(
    outcome: Outcome,
    call: Call | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    switch (outcome.type) {
      case 'accept': {
        if (call === undefined) return answerAsAws(response, this.#quota())
        return answerAsAws(response, this.accepted(call, outcome.messageId ?? `fake-${this.calls.length}`))
      }
      case 'refuse':
        return answerAsAws(response, this.refused(outcome))
      case 'answer': {
        const { status, contentType, body } = outcome
        return send(response, { status, headers: { 'content-type': contentType }, body })
      }
      case 'truncate':
        begin(response, outcome, () => request.socket.destroy())
        return
      case 'stall':
        begin(response, outcome)
        return
      case 'reset':
        return reset(request.socket)
      case 'fragment':
        return void request.socket.end(outcome.bytes)
      case 'hang':
      case 'cutShort':
        return
    }
  }

  #quota(): Answer {
    if (this.maxSendRate !== undefined) return this.quota(this.maxSendRate)
    const message = 'User: arn:aws:iam::123456789012:user/x is not authorized to ask'
    return this.refused({ type: 'refuse', status: 403, code: 'AccessDenied', message })
  }
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers).end(body)
}

/** Every answer of AWS contains an id of the request. */
const requestId = { 'x-amzn-requestid': 'r' }

function answerAsAws(response: ServerResponse, { status, headers, body }: Answer): void {
  send(response, { status, headers: { ...requestId, ...headers }, body })
}

function begin(
  response: ServerResponse,
  { body, from }: Extract<Outcome, { type: 'truncate' | 'stall' }>,
  then?: () => void,
): void {
  response.writeHead(200, { ...(from === undefined && requestId), 'content-length': body.length + 100 })
  response.write(body, then)
}

function reset(socket: Socket): void {
  socket.resetAndDestroy()
}
