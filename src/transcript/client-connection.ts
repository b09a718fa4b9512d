import { connect as connectClear, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectSecure } from 'node:tls'

/** The address of a server, and how its certificate is verified. */
export interface RemoteServer {
  readonly host: string
  readonly port: number
  readonly tls: Pick<ConnectionOptions, 'ca' | 'servername' | 'rejectUnauthorized'>
  /** Longest time to establish a connection, in milliseconds. */
  readonly connectTimeoutMs: number
}

/** Reading pauses while this many bytes of the server wait to be taken. */
const maxBufferedBytes = 256 * 1024

/** A client's connection to a server. It buffers the server's bytes until they are taken. */
export class ClientConnection {
  readonly #server: RemoteServer
  readonly #onChange: () => void
  #socket: Socket
  #text = ''
  #closed = false
  #error: string | undefined

  private constructor(socket: Socket, server: RemoteServer, onChange: () => void) {
    this.#server = server
    this.#onChange = onChange
    this.#socket = socket
    this.#attach(socket)
  }

  /**
   * Connects without TLS. Rejects if that fails or takes longer than `connectTimeoutMs`.
   *
   * @param onChange called when bytes arrive, and when the server closes
   */
  static connect(server: RemoteServer, onChange: () => void): Promise<ClientConnection> {
    const { host, port, connectTimeoutMs } = server
    return new Promise((resolve, reject) => {
      const socket = connectClear({ port, host, noDelay: true, allowHalfOpen: true })
      const timer = setTimeout(() => socket.destroy(new Error('connection timed out')), connectTimeoutMs)
      socket.once('error', error => {
        clearTimeout(timer)
        reject(error)
      })
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.removeAllListeners('error')
        resolve(new ClientConnection(socket, server, onChange))
      })
    })
  }

  /** True after the server has closed its side. */
  get closed(): boolean {
    return this.#closed
  }

  /** Message of the last socket error. */
  get lastError(): string | undefined {
    return this.#error
  }

  /** Removes and returns all buffered bytes, each as one character. */
  takeText(): string {
    const text = this.#text
    this.#setText('')
    return text
  }

  /** Number of complete lines in the buffer. */
  get lineCount(): number {
    return this.#text.split('\r\n').length - 1
  }

  /** Removes and returns the complete lines. After the server has closed, an incomplete last line is one of them. */
  takeLines(): string[] {
    const lines = this.#text.split('\r\n')
    const rest = lines.pop() ?? ''
    if (this.#closed && rest !== '') lines.push(rest)
    this.#setText(this.#closed ? '' : rest)
    return lines
  }

  send(bytes: Buffer): void {
    if (!this.#closed) this.#socket.write(bytes)
  }

  /** Closes the client's side. The server's bytes are still read. */
  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Starts TLS. Resolves with true once it is established, with false if it fails or takes longer than `ms`. */
  startTls(ms: number): Promise<boolean> {
    const plaintext = this.#socket.removeAllListeners('data').removeAllListeners('end')
    // Without `servername`, the name in the certificate is compared with the host.
    const { host, tls } = this.#server
    const secure = connectSecure({ ...tls, host, socket: plaintext })
    this.#socket = secure
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(false), ms)
      const finish = (established: boolean) => () => {
        clearTimeout(timer)
        resolve(established)
      }
      secure.once('secureConnect', finish(true)).once('close', finish(false))
      this.#attach(secure)
    })
  }

  #setText(text: string): void {
    const wasFull = this.#text.length >= maxBufferedBytes
    this.#text = text
    if (wasFull && text.length < maxBufferedBytes) this.#socket.resume()
  }

  #attach(socket: Socket): void {
    const close = () => {
      this.#closed = true
      this.#onChange()
    }
    socket.on('data', (bytes: Buffer) => {
      this.#text += bytes.toString('latin1')
      if (this.#text.length >= maxBufferedBytes) socket.pause()
      this.#onChange()
    })
    socket.on('end', close)
    // Node emits `close` after `error`.
    socket.on('error', ({ message }) => {
      this.#error = message
    })
    socket.on('close', () => socket === this.#socket && close())
  }
}
