import { Socket } from 'node:net'

/**
 * Bytes that are read from a socket at once, which is also the most that can come after a receiver has returned
 * false.
 */
const readBytes = 16 * 1024
/** The same for the content of a large message: see `useLargeReads`. */
const largeReadBytes = 64 * 1024
/** A copy of more bytes has memory of its own. */
const pooledBytes = 2 * 1024
/**
 * Bytes of replies that a socket may buffer. While it buffers more, `writableNeedDrain` is true and nothing is read.
 */
export const unsentBytes = 4 * 1024

/**
 * Takes bytes that have come. They are overwritten after it has returned. Returns false to stop reading until the
 * socket's `resume` is called.
 */
export type Receiver = (bytes: Buffer) => boolean

/** All sockets read into these buffers, one after the other, so a receiver must copy what it keeps. */
const buffer = Buffer.allocUnsafeSlow(readBytes)
const largeBuffer = Buffer.allocUnsafeSlow(largeReadBytes)

/**
 * Copies what a receiver was given, for keeping. The copy has memory of its own: a few bytes in Node's shared pool
 * would keep all of the pool's 8 KiB, with Node.js 24 64 KiB, in memory.
 */
export function ownedCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}

/**
 * Copies what a receiver was given, for reading it at once: a few bytes go into Node's shared pool, which takes a
 * tenth of the time. Bytes that are left after reading must be copied once more.
 */
export function copyToRead(bytes: Buffer): Buffer {
  return bytes.length > pooledBytes ? ownedCopy(bytes) : Buffer.from(bytes)
}

/**
 * A client's socket, which is read in small pieces, and not at all after its receiver has returned false.
 *
 * A server's socket as Node.js makes it reads 64 KiB at once, and one such piece more after `pause`: a client could
 * make the process hold up to 200 KB that it has not asked for. A socket with the option `onread` stops at once, and
 * allocates no memory to read. Node.js documents that option for sockets that connect. To have it for an accepted
 * one, a new socket is made over the same handle, which is an internal of Node.js (`_handle`).
 */
export class ClientSocket {
  readonly socket: Socket
  /** Read larger pieces, which costs less for the content of large messages. */
  useLargeReads = false
  /** Takes the bytes that come from now on. */
  receiver: Receiver = () => true

  /** @param accepted a socket of a server with `pauseOnConnect`: unread, and not to be used after this */
  constructor(accepted: Socket) {
    const options = {
      handle: (accepted as unknown as { readonly _handle: object })._handle,
      allowHalfOpen: true,
      writableHighWaterMark: unsentBytes,
      onread: {
        buffer: () => (this.useLargeReads ? largeBuffer : buffer),
        callback: (count: number, bytes: Uint8Array): boolean =>
          this.receiver((bytes as Buffer).subarray(0, count)),
      },
    }
    this.socket = new Socket(options)
  }
}
