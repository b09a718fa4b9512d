import type { Socket } from 'node:net'
import { type ClientSocket, ownedCopy } from './client-socket.ts'
import { idleBytes, type TrackedConnection } from './connections.ts'
import { readProxyHeader } from './proxy-header.ts'

/** How a handshake ended. */
export type ProxyResult =
  /** The header has come. `rest` are the bytes after it; nothing more is read from the socket for now. */
  | {
      readonly type: 'client'
      readonly address: string | undefined
      readonly healthCheck: boolean
      readonly rest: Buffer | undefined
    }
  /** The header was missing or invalid, and the socket is closed. `reason` is for the log. */
  | { readonly type: 'rejected'; readonly reason: string }
  /** The socket was closed before the header had come. */
  | { readonly type: 'gone' }

/**
 * A load balancer's connection until its PROXY header has named the client. Nothing is sent meanwhile. The header is
 * required: a connection without one is closed (section 2 of the specification).
 */
export class ProxyHandshake implements TrackedConnection {
  /** The header is not counted: the client has not sent it. */
  readonly receivedBytes = 0
  readonly heldBytes = idleBytes.clear
  readonly activeAt = performance.now()
  readonly activity = 'unknown'
  readonly #clientSocket: ClientSocket
  readonly #socket: Socket
  readonly #onResult: (result: ProxyResult) => boolean
  readonly #timer: NodeJS.Timeout
  #bytes: Buffer = Buffer.alloc(0)

  /**
   * @param headerMs milliseconds that the whole header may take
   * @param onResult called once; returns false if no more bytes may come for now
   */
  constructor(clientSocket: ClientSocket, headerMs: number, onResult: (result: ProxyResult) => boolean) {
    const { socket } = clientSocket
    this.#clientSocket = clientSocket
    this.#socket = socket
    this.#onResult = onResult
    this.#timer = setTimeout(() => this.#reject('it did not come in time'), headerMs)
    clientSocket.receiver = this.#receive
    socket.on('end', this.#onHalfClose)
    socket.on('close', this.#onClose)
    // An error is always followed by `close`.
    socket.on('error', ignore)
  }

  /** Closes at once: no message is being received. */
  drain(): void {
    this.#socket.destroy()
  }

  abort(): void {
    this.#socket.destroy()
  }

  shed(): void {
    this.#socket.destroy()
  }

  readonly #receive = (bytes: Buffer): boolean => {
    this.#bytes = ownedCopy(this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]))
    const header = readProxyHeader(this.#bytes)
    if (header.type === 'malformed') this.#reject('it is malformed')
    if (header.type !== 'complete') return true
    const rest = header.bytes < this.#bytes.length ? this.#bytes.subarray(header.bytes) : undefined
    this.#finish()
    return this.#onResult({ type: 'client', address: header.source, healthCheck: header.local, rest })
  }

  readonly #onHalfClose = (): void => {
    // A TCP health check connects and closes without data; it is not logged.
    if (this.#bytes.length > 0) this.#reject('it was cut off')
    else this.#socket.destroy()
  }

  readonly #onClose = (): void => {
    this.#finish()
    this.#onResult({ type: 'gone' })
  }

  #reject(reason: string): void {
    this.#finish()
    this.#socket.destroy()
    this.#onResult({ type: 'rejected', reason })
  }

  #finish(): void {
    clearTimeout(this.#timer)
    this.#clientSocket.receiver = ignoreBytes
    this.#socket.off('end', this.#onHalfClose)
    this.#socket.off('close', this.#onClose)
  }
}

const ignoreBytes = () => true

/** Stays on the socket, so it must not refer to the handshake. */
function ignore(): void {}
