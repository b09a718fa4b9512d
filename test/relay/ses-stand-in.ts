import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** How the stand-in treats one request. */
export type Outcome =
  /** 200 and the XML of SES. */
  | { readonly type: 'accept'; readonly messageId?: string }
  /** An error as SES's Query API writes it. */
  | { readonly type: 'refuse'; readonly status: number; readonly code: string; readonly message: string }
  /** Any answer at all, for example a proxy's. */
  | { readonly type: 'answer'; readonly status: number; readonly contentType: string; readonly body: string }
  /** 200, the beginning of the body, then the connection is reset. */
  | { readonly type: 'truncate'; readonly body: string }
  /** 200 and the beginning of a body that never ends. */
  | { readonly type: 'stall'; readonly body: string }
  /** The request is read, nothing is answered. */
  | { readonly type: 'hang' }
  /** The connection is reset, before or after the request's body was read. */
  | { readonly type: 'reset'; readonly bodyRead: boolean }

/** One `SendRawEmail` that was read to its end. */
export interface SesCall {
  readonly source: string | undefined
  readonly destinations: readonly string[]
  /** `RawMessage.Data`, decoded. */
  readonly data: Buffer
  /** Every parameter as it was on the wire. */
  readonly parameters: URLSearchParams
  readonly authorization: string | undefined
}

/**
 * SES on 127.0.0.1, for tests: reads `SendRawEmail` of the Query API, remembers it, and answers as told.
 * Give its `endpoint` to the program as `AWS_ENDPOINT_URL`, with any region and credentials (`environment`).
 */
export class SesStandIn {
  /** Requests that arrived, whatever became of them. */
  requests = 0
  /** The calls that were read, in the order in which they ended. */
  readonly calls: SesCall[] = []
  /** Connections that were opened. */
  connections = 0
  readonly #server = createServer((request, response) => void this.#serve(request, response))
  readonly #script: Outcome[] = []
  #always: Outcome = { type: 'accept' }
  #arrivals: (() => void)[] = []

  static async start(): Promise<SesStandIn> {
    const standIn = new SesStandIn()
    standIn.#server.on('connection', () => standIn.connections++)
    await new Promise<void>(resolve => standIn.#server.listen(0, '127.0.0.1', resolve))
    return standIn
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
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

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++
    const outcome = this.#script.shift() ?? this.#always
    for (const arrived of this.#arrivals.splice(0)) arrived()
    if (outcome.type === 'reset' && !outcome.bodyRead) return void reset(request.socket)
    try {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      this.calls.push(readCall(request, Buffer.concat(chunks)))
    } catch {
      return // The client went away.
    }
    this.#answer(outcome, request, response)
  }

  #answer(outcome: Outcome, request: IncomingMessage, response: ServerResponse): void {
    switch (outcome.type) {
      case 'accept':
        return end(response, 200, 'text/xml', accepted(outcome.messageId ?? `stand-in-${this.calls.length}`))
      case 'refuse':
        return end(response, outcome.status, 'text/xml', refused(outcome))
      case 'answer':
        return end(response, outcome.status, outcome.contentType, outcome.body)
      case 'truncate':
        response.writeHead(200, { 'content-type': 'text/xml', 'content-length': outcome.body.length + 100 })
        response.write(outcome.body, () => request.socket.destroy())
        return
      case 'stall':
        response.writeHead(200, { 'content-type': 'text/xml', 'content-length': outcome.body.length + 100 })
        response.write(outcome.body)
        return
      case 'reset':
        return reset(request.socket)
      case 'hang':
        return
    }
  }
}

function readCall(request: IncomingMessage, body: Buffer): SesCall {
  const parameters = new URLSearchParams(body.toString('latin1'))
  const destinations: string[] = []
  for (let n = 1; parameters.has(`Destinations.member.${n}`); n++) {
    destinations.push(parameters.get(`Destinations.member.${n}`)!)
  }
  return {
    source: parameters.get('Source') ?? undefined,
    destinations,
    data: Buffer.from(parameters.get('RawMessage.Data') ?? '', 'base64'),
    parameters,
    authorization: request.headers.authorization,
  }
}

function end(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType }).end(body)
}

function reset(socket: Socket): void {
  socket.resetAndDestroy()
}

function accepted(messageId: string): string {
  return `<SendRawEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><SendRawEmailResult><MessageId>${messageId}</MessageId></SendRawEmailResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></SendRawEmailResponse>`
}

function refused({ status, code, message }: Extract<Outcome, { type: 'refuse' }>): string {
  const text = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const type = status < 500 ? 'Sender' : 'Receiver'
  return `<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><Error><Type>${type}</Type><Code>${code}</Code><Message>${text}</Message></Error><RequestId>r</RequestId></ErrorResponse>`
}
