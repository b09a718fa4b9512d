import type { Socket } from 'node:net'
import { readProxyHeader } from './proxy-header.ts'

/** What became of an introduction. */
export type Introduced =
  /** The header has come. Its bytes are taken from the socket, which is paused and holds the others still to be read. */
  | { readonly type: 'client'; readonly address: string | undefined; readonly healthCheck: boolean }
  /** There was none, or a wrong one, and the socket is closed: why. */
  | { readonly type: 'refused'; readonly reason: string }
  /** The socket was closed from outside before the header was there. */
  | { readonly type: 'gone' }

/**
 * A load balancer's connection until its PROXY header has said who the client is. Nothing is said to it meanwhile, and
 * whether it means to send a header is not guessed: one that does not is closed (section 2 of the specification).
 */
export class Introduction {
  /** A header is not the client's. */
  readonly receivedBytes = 0
  readonly #socket: Socket
  readonly #onIntroduced: (introduced: Introduced) => void
  readonly #timer: NodeJS.Timeout
  #bytes: Buffer = Buffer.alloc(0)

  /**
   * @param headerMs how long the whole header may take
   * @param onIntroduced called once
   */
  constructor(socket: Socket, headerMs: number, onIntroduced: (introduced: Introduced) => void) {
    this.#socket = socket
    this.#onIntroduced = onIntroduced
    this.#timer = setTimeout(() => this.#refuse('it did not come in time'), headerMs)
    socket.on('data', this.#onData)
    socket.on('end', this.#onHalfClose)
    socket.on('close', this.#onGone)
    // An error is always followed by `close`.
    socket.on('error', ignore)
  }

  /** Nothing has begun that could be finished. */
  shutDown(): void {
    this.#socket.destroy()
  }

  cutOff(): void {
    this.#socket.destroy()
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    const header = readProxyHeader(this.#bytes)
    if (header.type === 'malformed') this.#refuse('it is malformed')
    if (header.type !== 'complete') return
    const rest = this.#bytes.subarray(header.bytes)
    this.#leave()
    // Paused, or what is given back would be lost before TLS can read it.
    this.#socket.pause()
    if (rest.length > 0) this.#socket.unshift(rest)
    this.#onIntroduced({ type: 'client', address: header.source, healthCheck: header.local })
  }

  readonly #onHalfClose = (): void => {
    // Who connects only to see whether somebody listens owes no explanation.
    if (this.#bytes.length > 0) this.#refuse('it was cut off')
    else this.#socket.destroy()
  }

  readonly #onGone = (): void => {
    this.#leave()
    this.#onIntroduced({ type: 'gone' })
  }

  #refuse(reason: string): void {
    this.#leave()
    this.#socket.destroy()
    this.#onIntroduced({ type: 'refused', reason })
  }

  #leave(): void {
    clearTimeout(this.#timer)
    this.#socket.off('data', this.#onData)
    this.#socket.off('end', this.#onHalfClose)
    this.#socket.off('close', this.#onGone)
  }
}

/** Stays on the socket, and so must not hold what the introduction held. */
function ignore(): void {}
