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
import { type Account, checkSignature } from './signature.ts'

/** How the stand-in treats one request. */
export type Outcome =
  /** 200 and what the service says then. */
  | { readonly type: 'accept'; readonly messageId?: string }
  /** An error as the service writes it. */
  | { readonly type: 'refuse'; readonly status: number; readonly code: string; readonly message: string }
  /** Any answer at all, for example a proxy's. */
  | { readonly type: 'answer'; readonly status: number; readonly contentType: string; readonly body: string }
  /** A status before the request's body was read, and the end of the connection, as proxies do. */
  | { readonly type: 'cutShort'; readonly status: number }
  /** 200, the beginning of the body, then the connection is reset. */
  | { readonly type: 'truncate'; readonly body: string; readonly from?: 'a proxy' }
  /** 200 and the beginning of a body that never ends. */
  | { readonly type: 'stall'; readonly body: string; readonly from?: 'a proxy' }
  /** The request is read, nothing is answered. */
  | { readonly type: 'hang' }
  /** The connection is reset, before or after the request's body was read. */
  | { readonly type: 'reset'; readonly bodyRead: boolean }
  /** These bytes, which need not be HTTP, then the connection is closed. */
  | { readonly type: 'fragment'; readonly bytes: string }

/** Decides over every request in the place of the script, and hears how it went. */
export interface Director<Call> {
  /** A request begins. Where this is true its connection is reset, and nothing of it is read. */
  turnsAway(): boolean
  /** A mail was read to its end. It is not kept in `calls`. */
  decide(call: Call): Decision
}

/** What becomes of a mail that was read. */
export interface Decision {
  readonly outcome: Outcome
  /** Milliseconds until the answer; none if left out. */
  readonly afterMs?: number
  /** Called once, when the answer is over. @param whole the system has all of it */
  readonly answered?: (whole: boolean) => void
}

/** An answer as it goes over the wire. */
export interface Answer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: string
}

/** A request as it came. */
export interface Heard {
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
 * A service of AWS on 127.0.0.1, for tests: checks each request's signature, reads and remembers the mails, and
 * answers as the test says. Give its `endpoint` to the program as `AWS_ENDPOINT_URL`, with its `environment`.
 */
export abstract class AwsStandIn<Call> {
  /** Requests that arrived, whatever became of them. */
  requests = 0
  /** The mails that were read, in the order in which they ended. */
  readonly calls: Call[] = []
  /** The last request that was read to its end. */
  heard: Heard | undefined
  /** Connections that were opened. */
  connections = 0
  /** The recipients a second that the account may send; without it the permission to ask is missing. */
  maxSendRate: number | undefined
  /** Without one, the script and `always` decide. */
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

  /** The service's name in signatures. */
  protected abstract readonly service: string
  /** Reads one mail; `undefined` where the request asks for the account's quota. */
  protected abstract read(request: IncomingMessage, body: Buffer): Call | undefined
  protected abstract accepted(call: Call, messageId: string): Answer
  protected abstract refused(outcome: Extract<Outcome, { type: 'refuse' }>): Answer
  protected abstract quota(maxSendRate: number): Answer

  get endpoint(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** What a program needs in its environment to send its mail here. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'not-a-secret',
      AWS_EC2_METADATA_DISABLED: 'true',
    }
  }

  /** Accepts calls with another access key. */
  trust(accessKeyId: string, account: Account): void {
    this.#accounts.set(accessKeyId, account)
  }

  /** Accepts no more calls with this access key. */
  distrust(accessKeyId: string): void {
    this.#accounts.delete(accessKeyId)
  }

  /** The outcomes of the next requests, one each; after them all are accepted. */
  script(...outcomes: readonly Outcome[]): void {
    this.#script.push(...outcomes)
  }

  /** The outcome of every request for which the script has none. */
  always(outcome: Outcome): void {
    this.#always = outcome
  }

  /** Resolves at the next request. */
  arrival(): Promise<void> {
    return new Promise(resolve => this.#arrivals.push(resolve))
  }

  /** Also after `close`. @param port a free one if left out */
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
    const unread = this.director?.turnsAway() ?? (outcome.type === 'reset' && !outcome.bodyRead)
    if (unread) return reset(request.socket)
    if (outcome.type === 'cutShort') {
      return void response.writeHead(outcome.status, { connection: 'close' }).end()
    }
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk)
    } catch {
      return // The client went away.
    }
    const body = Buffer.concat(chunks)
    this.heard = { method: request.method!, url: request.url!, headers: request.headers, body }
    const complaint = checkSignature(request, body, this.service, this.#accounts)
    if (complaint) return answerAsAws(response, this.refused({ type: 'refuse', status: 403, ...complaint }))
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
        return answerAsAws(
          response,
          this.accepted(call, outcome.messageId ?? `stand-in-${this.calls.length}`),
        )
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

/** Every answer of AWS bears the name that it gave the request. */
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
