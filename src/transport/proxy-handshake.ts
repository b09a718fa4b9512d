import type { Socket } from 'node:net'
import { type ClientSocket, copyOf } from './client-socket.ts'
import { idleBytes, type TrackedConnection } from './connections.ts'
import { readProxyHeader } from './proxy-header.ts'

/** What became of an introduction. */
export type ProxyResult =
  /** The header has come, and `rest` after it. Nothing more is read from the socket for now. */
  | {
      readonly type: 'client'
      readonly address: string | undefined
      readonly healthCheck: boolean
      readonly rest: Buffer | undefined
    }
  /** There was none, or a wrong one, and the socket is closed: why. */
  | { readonly type: 'refused'; readonly reason: string }
  /** The socket was closed from outside before the header was there. */
  | { readonly type: 'gone' }

/**
 * A load balancer's connection until its PROXY header has said who the client is. Nothing is said to it meanwhile, and
 * whether it means to send a header is not guessed: one that does not is closed (section 2 of the specification).
 */
export class ProxyHandshake implements TrackedConnection {
  /** A header is not the client's. */
  readonly receivedBytes = 0
  readonly heldBytes = idleBytes.clear
  readonly activeAt = performance.now()
  readonly activity = 'unknown'
  readonly #clientSocket: ClientSocket
  readonly #socket: Socket
  readonly #onResult: (introduced: ProxyResult) => boolean
  readonly #timer: NodeJS.Timeout
  #bytes: Buffer = Buffer.alloc(0)

  /**
   * @param headerMs how long the whole header may take
   * @param onIntroduced called once; returns false when no more bytes may come for now
   */
  constructor(
    clientSocket: ClientSocket,
    headerMs: number,
    onIntroduced: (introduced: ProxyResult) => boolean,
  ) {
    const { socket } = clientSocket
    this.#clientSocket = clientSocket
    this.#socket = socket
    this.#onResult = onIntroduced
    this.#timer = setTimeout(() => this.#reject('it did not come in time'), headerMs)
    clientSocket.receiver = this.#receive
    socket.on('end', this.#onHalfClose)
    socket.on('close', this.#onGone)
    // An error is always followed by `close`.
    socket.on('error', ignore)
  }

  /** Nothing has begun that could be finished. */
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
    this.#bytes = copyOf(this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]))
    const header = readProxyHeader(this.#bytes)
    if (header.type === 'malformed') this.#reject('it is malformed')
    if (header.type !== 'complete') return true
    const rest = header.bytes < this.#bytes.length ? this.#bytes.subarray(header.bytes) : undefined
    this.#finish()
    return this.#onResult({ type: 'client', address: header.source, healthCheck: header.local, rest })
  }

  readonly #onHalfClose = (): void => {
    // Who connects only to see whether somebody listens owes no explanation.
    if (this.#bytes.length > 0) this.#reject('it was cut off')
    else this.#socket.destroy()
  }

  readonly #onGone = (): void => {
    this.#finish()
    this.#onResult({ type: 'gone' })
  }

  #reject(reason: string): void {
    this.#finish()
    this.#socket.destroy()
    this.#onResult({ type: 'refused', reason })
  }

  #finish(): void {
    clearTimeout(this.#timer)
    this.#clientSocket.receiver = ignoreBytes
    this.#socket.off('end', this.#onHalfClose)
    this.#socket.off('close', this.#onGone)
  }
}

const ignoreBytes = () => true

/** Stays on the socket, and so must not hold what the introduction held. */
function ignore(): void {}
