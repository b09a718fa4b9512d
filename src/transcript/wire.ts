import { connect as connectClear, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'

/** The client's end of a connection over loopback, which reads replies line by line. */
export class Wire {
  readonly #ca: Buffer
  readonly #onChange: () => void
  #socket: Socket
  #text = ''
  #closed = false

  private constructor(socket: Socket, ca: Buffer, onChange: () => void) {
    this.#socket = socket
    this.#ca = ca
    this.#onChange = onChange
    this.#attach(socket)
  }

  /**
   * Connects to a port of this machine.
   * @param ca the only certificate that is trusted
   * @param onChange called when something came, and when the server closed
   */
  static connect(port: number, ca: Buffer, onChange: () => void): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connectClear({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Wire(socket, ca, onChange))
      })
    })
  }

  /** The server has nothing more to say. */
  get closed(): boolean {
    return this.#closed
  }

  /** Whole lines that have come and were not taken yet. */
  get lines(): number {
    return this.#text.split('\r\n').length - 1
  }

  /** Takes those lines, and what came behind them once the server has closed. */
  take(): string[] {
    const lines = this.#text.split('\r\n')
    const rest = lines.pop() ?? ''
    if (!this.#closed) this.#text = rest
    else if (rest !== '') lines.push(rest)
    if (this.#closed) this.#text = ''
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
    const secure = connectSecure({ socket: clear, ca: this.#ca, servername: 'relay.test' })
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

  #attach(socket: Socket): void {
    const close = () => {
      this.#closed = true
      this.#onChange()
    }
    socket.on('data', (bytes: Buffer) => {
      this.#text += bytes.toString('latin1')
      this.#onChange()
    })
    socket.on('end', close)
    // An error is followed by `close`.
    socket.on('error', () => {})
    socket.on('close', () => socket === this.#socket && close())
  }
}
