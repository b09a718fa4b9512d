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

// What is tested is SMTP; that a client trusts the certificate is tested with real clients.
const trusting: ConnectionOptions = { rejectUnauthorized: false, servername: 'relay.test' }

/** A client that says exactly what it is told to, whether that is SMTP or not. */
export class Wire {
  /** Everything that the server said, and was not taken as a reply yet. */
  #heard = ''
  #ended = false
  #watchers: (() => void)[] = []
  readonly #tcp: Socket
  /** The same, or TLS above it. */
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

  /** The server closed its half, or the connection is gone. */
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
    await within(written, 'bytes to be written', () => this.#heard)
  }

  /** Says one line and hears one reply. */
  async ask(line: string): Promise<HeardReply> {
    this.say(`${line}\r\n`)
    return this.reply(line)
  }

  /** The next reply; an error if the connection ends instead. */
  async reply(to = 'the dialogue', ms = patienceMs): Promise<HeardReply> {
    const take = () => {
      const found = /^(?:\d{3}-[^\n]*\n)*(\d{3}) [^\n]*\n/.exec(this.#heard)
      if (found === null) {
        if (this.#ended) throw new Error(`the connection ended instead of a reply to ${to.slice(0, 80)}`)
        return undefined
      }
      this.#heard = this.#heard.slice(found[0].length)
      return { code: Number(found[1]), text: found[0].replaceAll('\r', '').trimEnd() }
    }
    return this.#when(take, `a reply to ${to.slice(0, 80)}`, ms)
  }

  /** Everything up to the end of the connection. */
  async rest(ms = patienceMs): Promise<string> {
    return this.#when(() => (this.#ended ? this.#heard : undefined), 'the end of the connection', ms)
  }

  /** MAIL, RCPT and DATA, each granted; the content may come now. */
  async open(sender = 'a@example.org', recipient = 'b@example.org'): Promise<void> {
    for (const line of [`MAIL FROM:<${sender}>`, `RCPT TO:<${recipient}>`])
      expectCode(await this.ask(line), 250)
    expectCode(await this.ask('DATA'), 354)
  }

  /** Sends one mail whose content is these lines, and hears what becomes of it. */
  async mail(content: string): Promise<HeardReply> {
    await this.open()
    this.say(`${content}.\r\n`)
    return this.reply('the final dot')
  }

  /** Hears the greeting and says EHLO. */
  async greet(): Promise<HeardReply> {
    expectCode(await this.reply('connecting'), 220)
    const hello = await this.ask('EHLO client.test')
    expectCode(hello, 250)
    return hello
  }

  /** Says STARTTLS and wraps the connection. */
  async startTls(): Promise<void> {
    expectCode(await this.ask('STARTTLS'), 220)
    await this.wrap()
  }

  /** Begins TLS on the connection as it is. */
  async wrap(): Promise<void> {
    const clear = this.#socket
    clear.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close')
    const secure: TLSSocket = connectTls({ ...trusting, socket: clear })
    this.#socket = secure
    await within(once(secure, 'secureConnect'), 'a TLS handshake')
    this.#attach(secure)
  }

  /** Closes this half: nothing more is said, but all is heard. */
  finish(): void {
    this.#socket.end()
  }

  /** Is gone, politely (FIN). */
  vanish(): void {
    this.#socket.end()
    this.#socket.destroy()
  }

  /** Is gone without a word (RST). */
  reset(): void {
    this.#tcp.resetAndDestroy()
  }

  #attach(socket: Socket): void {
    const end = () => {
      this.#ended = true
      this.#wake()
    }
    socket.on('data', (bytes: Buffer) => {
      this.#heard += bytes.toString('latin1')
      this.#wake()
    })
    socket.on('end', end)
    socket.on('close', end)
    socket.on('error', () => {})
  }

  #wake(): void {
    for (const watcher of this.#watchers.splice(0)) watcher()
  }

  #when<T>(look: () => T | undefined, what: string, ms = patienceMs): Promise<T> {
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
    return within(found, what, () => `there was ${JSON.stringify(this.#heard.slice(-500))}`, ms)
  }
}

/** Fails with the whole reply when it has another code. */
export function expectCode(reply: HeardReply, code: number): void {
  if (reply.code !== code) throw new Error(`expected ${code}, got: ${reply.text}`)
}
