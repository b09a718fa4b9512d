import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { patienceMs, within } from '../program/deadline.ts'

/** One reply of the server, as it was on the wire. */
export interface HeardReply {
  readonly code: number
  /** All lines, each with its code, joined with LF. */
  readonly text: string
}

// Certificate verification is tested with real clients.
const trusting: ConnectionOptions = { rejectUnauthorized: false, servername: 'relay.test' }

/** A client that sends exactly the given bytes, valid SMTP or not. */
export class Wire {
  /** Everything that the server sent and that was not read as a reply yet. */
  #received = ''
  #ended = false
  #waiters: (() => void)[] = []
  readonly #tcp: Socket
  /** The TCP socket, or the TLS socket over it. */
  #socket: Socket

  constructor(socket: Socket) {
    this.#tcp = socket
    this.#socket = socket
    this.#attach(socket)
  }

  static async connect(
    port: number,
    options: { readonly tls?: boolean; readonly from?: string } = {},
  ): Promise<Wire> {
    const from = options.from === undefined ? {} : { localAddress: options.from }
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...from })
    await within(once(socket, 'connect'), 'a connection')
    const wire = new Wire(socket)
    if (options.tls) await wire.wrap()
    return wire
  }

  get socket(): Socket {
    return this.#socket
  }

  /** The name in the server's certificate, under TLS. */
  get certificateName(): string {
    return String((this.#socket as TLSSocket).getPeerCertificate().subject.CN)
  }

  /** True if the server has closed its half, or the connection is closed. */
  get ended(): boolean {
    return this.#ended
  }

  /** Writes, and does not wait. */
  say(bytes: string | Buffer): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Writes, and waits until the operating system has all of it. */
  async put(bytes: string | Buffer): Promise<void> {
    const whole = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    const written = new Promise<void>(resolve => this.#socket.write(whole, () => resolve()))
    await within(written, 'bytes to be written', () => this.#received)
  }

  /** Sends one line and reads one reply. */
  async ask(line: string): Promise<HeardReply> {
    this.say(`${line}\r\n`)
    return this.reply(line)
  }

  /** The next reply; an error if the connection ends instead. */
  async reply(to = 'the session', ms = patienceMs): Promise<HeardReply> {
    const take = () => {
      const found = /^(?:\d{3}-[^\n]*\n)*(\d{3}) [^\n]*\n/.exec(this.#received)
      if (found === null) {
        if (this.#ended) throw new Error(`the connection ended instead of a reply to ${to.slice(0, 80)}`)
        return undefined
      }
      this.#received = this.#received.slice(found[0].length)
      return { code: Number(found[1]), text: found[0].replaceAll('\r', '').trimEnd() }
    }
    return this.#when(take, `a reply to ${to.slice(0, 80)}`, ms)
  }

  /** Everything up to the end of the connection. */
  async rest(ms = patienceMs): Promise<string> {
    return this.#when(() => (this.#ended ? this.#received : undefined), 'the end of the connection', ms)
  }

  /** Sends MAIL, RCPT and DATA, which must be accepted. */
  async open(sender = 'a@example.org', recipient = 'b@example.org'): Promise<void> {
    for (const line of [`MAIL FROM:<${sender}>`, `RCPT TO:<${recipient}>`])
      expectCode(await this.ask(line), 250)
    expectCode(await this.ask('DATA'), 354)
  }

  /** Sends one message with this content, and returns the reply to it. */
  async mail(content: string): Promise<HeardReply> {
    await this.open()
    this.say(`${content}.\r\n`)
    return this.reply('the final dot')
  }

  /** Reads the greeting and sends EHLO. */
  async greet(): Promise<HeardReply> {
    expectCode(await this.reply('connecting'), 220)
    const hello = await this.ask('EHLO client.test')
    expectCode(hello, 250)
    return hello
  }

  /** Sends STARTTLS and starts TLS. */
  async startTls(): Promise<void> {
    expectCode(await this.ask('STARTTLS'), 220)
    await this.wrap()
  }

  /** Starts TLS on the connection. */
  async wrap(): Promise<void> {
    const clear = this.#socket
    clear.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close')
    const secure: TLSSocket = connectTls({ ...trusting, socket: clear })
    this.#socket = secure
    await within(once(secure, 'secureConnect'), 'a TLS handshake')
    this.#attach(secure)
  }

  /** Closes this half. Replies can still be read. */
  finish(): void {
    this.#socket.end()
  }

  /** Closes the connection (FIN). */
  vanish(): void {
    this.#socket.end()
    this.#socket.destroy()
  }

  /** Resets the connection (RST). */
  reset(): void {
    this.#tcp.resetAndDestroy()
  }

  #attach(socket: Socket): void {
    const end = () => {
      this.#ended = true
      this.#wake()
    }
    socket.on('data', (bytes: Buffer) => {
      this.#received += bytes.toString('latin1')
      this.#wake()
    })
    socket.on('end', end)
    socket.on('close', end)
    socket.on('error', () => {})
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }

  #when<T>(read: () => T | undefined, what: string, ms = patienceMs): Promise<T> {
    const found = new Promise<T>((resolve, reject) => {
      const check = () => {
        try {
          const value = read()
          if (value === undefined) this.#waiters.push(check)
          else resolve(value)
        } catch (error) {
          reject(error)
        }
      }
      check()
    })
    return within(found, what, () => `there was ${JSON.stringify(this.#received.slice(-500))}`, ms)
  }
}

/** Fails with the whole reply if it has another code. */
export function expectCode(reply: HeardReply, code: number): void {
  if (reply.code !== code) throw new Error(`expected ${code}, got: ${reply.text}`)
}
