import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { testTimeoutMs, within } from './deadline.ts'

/** A reply of the server. */
export interface ReceivedReply {
  readonly code: number
  /** All lines with their codes, joined with LF. */
  readonly text: string
}

// These tests are about SMTP. test/clients tests that clients trust the certificate.
const trusting: ConnectionOptions = { rejectUnauthorized: false, servername: 'relay.test' }

/** An SMTP client that sends exactly the given bytes, valid or not. */
export class SmtpClient {
  /** Text of the server that was not returned as a reply yet. */
  #received = ''
  #ended = false
  #watchers: (() => void)[] = []
  readonly #tcp: Socket
  /** The TCP socket, or the TLS socket on top of it. */
  #socket: Socket

  constructor(socket: Socket) {
    this.#tcp = socket
    this.#socket = socket
    this.#attach(socket)
  }

  static async connect(
    port: number,
    options: { readonly tls?: boolean; readonly from?: string } = {},
  ): Promise<SmtpClient> {
    const from = options.from === undefined ? {} : { localAddress: options.from }
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...from })
    await within(once(socket, 'connect'), 'a connection')
    const wire = new SmtpClient(socket)
    if (options.tls) await wire.wrap()
    return wire
  }

  get socket(): Socket {
    return this.#socket
  }

  /** The common name in the server's certificate, under TLS. */
  get certificateName(): string {
    return String((this.#socket as TLSSocket).getPeerCertificate().subject.CN)
  }

  /** True after the server has closed its side or the connection. */
  get ended(): boolean {
    return this.#ended
  }

  /** Writes bytes without waiting. */
  say(bytes: string | Buffer): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Writes bytes and waits until the operating system has taken them. */
  async put(bytes: string | Buffer): Promise<void> {
    const whole = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    const written = new Promise<void>(resolve => this.#socket.write(whole, () => resolve()))
    await within(written, 'bytes to be written', () => this.#received)
  }

  /** Sends one line and returns the reply. */
  async ask(line: string): Promise<ReceivedReply> {
    this.say(`${line}\r\n`)
    return this.reply(line)
  }

  /** Returns the next reply. Rejects if the connection ends first. */
  async reply(to = 'the last command', ms = testTimeoutMs): Promise<ReceivedReply> {
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

  /** Returns everything up to the end of the connection. */
  async rest(ms = testTimeoutMs): Promise<string> {
    return this.#when(() => (this.#ended ? this.#received : undefined), 'the end of the connection', ms)
  }

  /** Sends MAIL, RCPT and DATA, and expects that each is accepted. The content can follow. */
  async open(sender = 'a@example.org', recipient = 'b@example.org'): Promise<void> {
    for (const line of [`MAIL FROM:<${sender}>`, `RCPT TO:<${recipient}>`])
      expectCode(await this.ask(line), 250)
    expectCode(await this.ask('DATA'), 354)
  }

  /** Sends a message with this content, and returns the reply to it. */
  async mail(content: string): Promise<ReceivedReply> {
    await this.open()
    this.say(`${content}.\r\n`)
    return this.reply('the final dot')
  }

  /** Reads the greeting and sends EHLO. Returns the reply. */
  async greet(): Promise<ReceivedReply> {
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

  /** Starts TLS on the connection without STARTTLS. */
  async wrap(): Promise<void> {
    const clear = this.#socket
    clear.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close')
    const secure: TLSSocket = connectTls({ ...trusting, socket: clear })
    this.#socket = secure
    await within(once(secure, 'secureConnect'), 'a TLS handshake')
    this.#attach(secure)
  }

  /** Closes the client's side. Replies are still received. */
  finish(): void {
    this.#socket.end()
  }

  /** Closes the connection with a FIN. */
  vanish(): void {
    this.#socket.end()
    this.#socket.destroy()
  }

  /** Closes the connection with a RST. */
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
    for (const watcher of this.#watchers.splice(0)) watcher()
  }

  #when<T>(look: () => T | undefined, what: string, ms = testTimeoutMs): Promise<T> {
    const found = new Promise<T>((resolve, reject) => {
      const watch = () => {
        try {
          const value = look()
          if (value === undefined) this.#watchers.push(watch)
          else resolve(value)
        } catch (error) {
          reject(error)
        }
      }
      watch()
    })
    return within(found, what, () => `there was ${JSON.stringify(this.#received.slice(-500))}`, ms)
  }
}

/** Throws an Error with the whole reply if it has another code. */
export function expectCode(reply: ReceivedReply, code: number): void {
  if (reply.code !== code) throw new Error(`expected ${code}, got: ${reply.text}`)
}
