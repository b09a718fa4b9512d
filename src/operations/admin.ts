import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { AdminConnections } from './admin-connections.ts'

/** What the admin endpoint serves. Each answer comes within about a second; a rejection is answered with status 500. */
export interface AdminHandlers {
  /** Returns why the process should be restarted, a line per reason. Left out: there is never a reason. */
  failures?(): readonly string[]
  /** Returns why no messages should be sent to this process, a line per reason; none if it is ready. */
  notReadyReasons(): Promise<readonly string[]>
  /** Returns all metrics in the text format of Prometheus. */
  metrics(): Promise<string>
}

/** Milliseconds that a request may take, and that a connection may be silent. */
const requestMs = 5_000
/** Bytes of a request's line and headers. */
const headerBytes = 4_096

/**
 * Serves `/healthz`, `/readyz` and `/metrics` over HTTP until the process ends, one request per connection. No answer
 * repeats anything from a request.
 * @returns the port
 * @throws the error of `node:net`, for example `EADDRINUSE`
 */
export function serveAdmin(
  { host, port }: { host: string | undefined; port: number },
  handlers: AdminHandlers,
): Promise<number> {
  const limits = {
    maxHeaderSize: headerBytes,
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: 1_000,
  }
  const connections = new AdminConnections()
  const server = createServer(limits, (request, response) => {
    connections.requested(request.socket)
    answer(request, handlers)
      .catch(() => text(500, 'internal error\n'))
      .then(reply => send(response, reply))
  })
  server.on('connection', socket => connections.add(socket))
  server.setTimeout(requestMs)
  // The admin endpoint alone must not keep the process running.
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject)
      // An error while one connection is accepted must not end the process.
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

async function answer({ method, url = '' }: IncomingMessage, handlers: AdminHandlers): Promise<HttpReply> {
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'only GET and HEAD\n', { allow: 'GET, HEAD' })
  switch (url.split('?', 1)[0]) {
    case '/healthz':
      return health(handlers.failures?.() ?? [])
    case '/readyz':
      return health(await handlers.notReadyReasons())
    case '/metrics':
      return text(200, await handlers.metrics(), {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      })
    default:
      return text(404, 'not found\n')
  }
}

/** Status 200 without reasons; otherwise 503 with a line per reason. */
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
