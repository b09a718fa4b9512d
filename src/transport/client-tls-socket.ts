import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { type Receiver, unsentBytes } from './client-socket.ts'

/**
 * Bytes of memory that OpenSSL keeps to read into, beyond what an idle connection takes: a buffer as large as the first
 * bytes that were read (at least 1 KiB), and one of 16 KiB when more comes at once.
 */
export const tlsReadBytes = 18 * 1024

/**
 * TLS over a client's socket. Decrypted bytes are passed to the receiver at once and never wait in the stream, so
 * that only what OpenSSL reads at once can come after the receiver has returned false.
 *
 * The first bytes of the client have to be read before this is made. Node.js reads 64 KiB at once into a buffer that
 * OpenSSL keeps until the connection ends; when it is given some bytes first, that buffer is as large as these, and
 * only one of 16 KiB is added later.
 */
export class ClientTlsSocket extends TLSSocket {
  readonly #receiver: Receiver

  /**
   * @param socket the client's socket, which belongs to TLS from now on
   * @param first bytes that were read from it; not empty
   */
  constructor(socket: Socket, first: Buffer, secureContext: SecureContext, receiver: Receiver) {
    socket.pause()
    socket.unshift(first)
    // Node.js accepts a high-water mark here as for any stream, although it is not in the types.
    const options = { isServer: true, secureContext, highWaterMark: unsentBytes }
    super(socket, options)
    this.#receiver = receiver
  }

  /** Node.js calls this with decrypted bytes, and stops reading if it returns false. */
  override push(bytes: Buffer | null): boolean {
    return bytes === null ? super.push(null) : this.#receiver(bytes)
  }

  /** Reads on. `resume` of the stream would do nothing, because the stream was never paused. */
  override resume(): this {
    if (!this.destroyed) this._read(0)
    return this
  }
}
