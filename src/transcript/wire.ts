import { connect as connectClear, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectSecure } from 'node:tls'

/** Where a server is, and how its certificate is looked at. */
export interface Remote {
  readonly host: string
  readonly port: number
  readonly tls: Pick<ConnectionOptions, 'ca' | 'servername' | 'rejectUnauthorized'>
  /** How long a connection may take to be made. */
  readonly connectMs: number
}

/** Nothing is read any more while this many bytes of the server's are held. */
const mostHeldBytes = 256 * 1024

/** The client's end of a connection, which holds what the server says until it is taken. */
export class Wire {
  readonly #remote: Remote
  readonly #onChange: () => void
  #socket: Socket
  #text = ''
  #closed = false
  #fault: string | undefined

  private constructor(socket: Socket, remote: Remote, onChange: () => void) {
    this.#remote = remote
    this.#onChange = onChange
    this.#socket = socket
    this.#attach(socket)
  }

  /**
   * Connects, in the clear. Rejects where that fails or takes too long.
   * @param onChange called when something came, and when the server closed
   */
  static connect(remote: Remote, onChange: () => void): Promise<Wire> {
    const { host, port, connectMs } = remote
    return new Promise((resolve, reject) => {
      const socket = connectClear({ port, host, noDelay: true, allowHalfOpen: true })
      const timer = setTimeout(() => socket.destroy(new Error('no connection in time')), connectMs)
      socket.once('error', error => {
        clearTimeout(timer)
        reject(error)
      })
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.removeAllListeners('error')
        resolve(new Wire(socket, remote, onChange))
      })
    })
  }

  /** The server has nothing more to say. */
  get closed(): boolean {
    return this.#closed
  }

  /** What went wrong with the connection last, in the words of the system. */
  get fault(): string | undefined {
    return this.#fault
  }

  /** Takes all that has come, a byte as a character. */
  takeText(): string {
    const text = this.#text
    this.#keep('')
    return text
  }

  /** Whole lines that have come and were not taken yet. */
  get lines(): number {
    return this.#text.split('\r\n').length - 1
  }

  /** Takes those lines, and what came behind them once the server has closed. */
  take(): string[] {
    const lines = this.#text.split('\r\n')
    const rest = lines.pop() ?? ''
    if (this.#closed && rest !== '') lines.push(rest)
    this.#keep(this.#closed ? '' : rest)
    return lines
  }

  send(bytes: Buffer): void {
    if (!this.#closed) this.#socket.write(bytes)
  }

  /** Says nothing more, and goes on listening. */
  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Begins TLS; true when it is up, false when that failed or takes longer than `ms`. */
  secure(ms: number): Promise<boolean> {
    const clear = this.#socket.removeAllListeners('data').removeAllListeners('end')
    // Names in certificates are compared with the host where there is no other name.
    const { host, tls } = this.#remote
    const secure = connectSecure({ ...tls, host, socket: clear })
    this.#socket = secure
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(false), ms)
      const settle = (up: boolean) => () => {
        clearTimeout(timer)
        resolve(up)
      }
      secure.once('secureConnect', settle(true)).once('close', settle(false))
      this.#attach(secure)
    })
  }

  #keep(text: string): void {
    const wasFull = this.#text.length >= mostHeldBytes
    this.#text = text
    if (wasFull && text.length < mostHeldBytes) this.#socket.resume()
  }

  #attach(socket: Socket): void {
    const close = () => {
      this.#closed = true
      this.#onChange()
    }
    socket.on('data', (bytes: Buffer) => {
      this.#text += bytes.toString('latin1')
      if (this.#text.length >= mostHeldBytes) socket.pause()
      this.#onChange()
    })
    socket.on('end', close)
    // An error is followed by `close`.
    socket.on('error', ({ message }) => {
      this.#fault = message
    })
    socket.on('close', () => socket === this.#socket && close())
  }
}
