import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { AdminConnections } from './admin-connections.ts'

/** What the operator's endpoint shows. Each answer comes within about a second; a rejection is a fault. */
export interface AdminHandlers {
  /** Reasons to restart the process, a line each; empty or left out if there are none. */
  failures?(): readonly string[]
  /** Why no mail should come here, a line each; none where it should. */
  notReadyReasons(): Promise<readonly string[]>
  /** All metrics in the text format of Prometheus. */
  metrics(): Promise<string>
}

/** Milliseconds that a request may take, and a connection may be silent. */
const requestMs = 5_000
/** Bytes of a request's line and headers. */
const headerBytes = 4_096

/**
 * Serves `/healthz`, `/readyz` and `/metrics` over HTTP until the process ends, a request a connection. Nothing that a
 * client says is said again. Resolves with the port; rejects with the error of `node:net`, for example `EADDRINUSE`.
 */
export function openAdmin(
  { host, port }: { host: string | undefined; port: number },
  view: AdminHandlers,
): Promise<number> {
  const limits = {
    maxHeaderSize: headerBytes,
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: 1_000,
  }
  const connections = new AdminConnections()
  const server = createServer(limits, (request, response) => {
    connections.asked(request.socket)
    answer(request, view)
      .catch(() => text(500, 'not to be found out\n'))
      .then(reply => send(response, reply))
  })
  server.on('connection', socket => connections.add(socket))
  server.setTimeout(requestMs)
  // It is no reason for the process to stay.
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject)
      // One connection that cannot be accepted is no reason to end.
      server.on('error', () => {})
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

async function answer({ method, url = '' }: IncomingMessage, view: AdminHandlers): Promise<HttpReply> {
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'only GET and HEAD\n', { allow: 'GET, HEAD' })
  switch (url.split('?', 1)[0]) {
    case '/healthz':
      return health(view.failures?.() ?? [])
    case '/readyz':
      return health(await view.notReadyReasons())
    case '/metrics':
      return text(200, await view.metrics(), { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
    default:
      return text(404, 'not found\n')
  }
}

/** 200 if there are no reasons against it; else 503 with a line for each reason. */
function health(reasons: readonly string[]): HttpReply {
  return reasons.length === 0 ? text(200, 'ok\n') : text(503, reasons.map(reason => `${reason}\n`).join(''))
}

function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body }
}

function send(response: ServerResponse, { status, headers, body }: HttpReply): void {
  response.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  })
  response.end(body)
}
