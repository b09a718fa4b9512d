import { Socket } from 'node:net'

/** Bytes that are read from a socket at once, and so the most that can come after its receiver has had enough. */
const readBytes = 16 * 1024
/** The same while `readsMuch`. */
const muchBytes = 64 * 1024
/** Bytes of replies that may wait in a socket; while more of them do, `write` returns false. */
export const unsentBytes = 4 * 1024

/**
 * Takes bytes that have come. They are overwritten after it has returned. Returns false when no more are wanted until
 * `resume` of the socket is called.
 */
export type Receiver = (bytes: Buffer) => boolean

/** All sockets read into these, one after the other: what was read is copied before the next one reads. */
const buffer = Buffer.allocUnsafeSlow(readBytes)
const largeBuffer = Buffer.allocUnsafeSlow(muchBytes)

/**
 * A client's socket that is read in small pieces, and not at all while nothing is wanted of it.
 *
 * A server's socket as Node.js makes it reads 64 KiB at once, and one such piece more after `pause`: a client could make
 * the process hold up to 200 KB that nothing has asked for. A socket with `onread` stops at once, and allocates nothing
 * to read. Node.js has that option for sockets that connect; for one that was accepted it takes a new socket over the
 * same handle.
 */
export class ClientSocket {
  readonly socket: Socket
  /** Reads larger pieces, which costs less for the content of large messages. */
  readsMuch = false
  /** Takes the bytes that come from now on. */
  receiver: Receiver = () => true

  /** @param accepted a socket of a server with `pauseOnConnect`: nothing was read from it. It must not be used any more. */
  constructor(accepted: Socket) {
    const options = {
      handle: (accepted as unknown as { readonly _handle: object })._handle,
      allowHalfOpen: true,
      writableHighWaterMark: unsentBytes,
      onread: {
        buffer: () => (this.readsMuch ? largeBuffer : buffer),
        callback: (count: number, bytes: Uint8Array): boolean =>
          this.receiver((bytes as Buffer).subarray(0, count)),
      },
    }
    this.socket = new Socket(options)
  }
}
