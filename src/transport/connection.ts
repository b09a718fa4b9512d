import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Session } from '../protocol/index.ts'
import { Conductor } from './conductor.ts'
import type { Service } from './service.ts'

/**
 * One session on one socket. Carries bytes in and replies out, wraps the socket in TLS, and ends every wait. Bytes are
 * read only as fast as the host decides and as the client reads its replies.
 */
export class Connection {
  readonly #service: Service
  readonly #address: string
  readonly #onClose: (connection: Connection) => void
  #socket: Socket
  /** Both are absent until an implicit TLS handshake is over. */
  #session: Session | undefined
  #conductor: Conductor | undefined
  /** The client closed its half: it has said all it had to say, but may be listening. */
  #finished = false
  #gone = false
  #handshaking = false
  #closing = false
  /** A limit was reached while the host had the word. */
  #expired = false
  #messageTimer: NodeJS.Timeout | undefined
  /** Ends a handshake or a closing that takes too long. */
  #endTimer: NodeJS.Timeout | undefined

  constructor(socket: Socket, service: Service, onClose: (connection: Connection) => void) {
    this.#socket = socket
    this.#service = service
    this.#address = plainAddress(socket.remoteAddress ?? '')
    this.#onClose = onClose
  }

  /** @param implicitTls TLS comes before the first byte of SMTP (RFC 8314 section 3.3) */
  start(implicitTls: boolean): void {
    this.#attach(this.#socket)
    if (implicitTls) this.#upgrade()
    else this.#begin(false)
  }

  /** Lets the client finish the mail it is sending, then says 421. */
  shutDown(): void {
    if (this.#session === undefined) this.#socket.destroy()
    this.#session?.shutDown()
    this.#run()
  }

  /** Says 421 now, whatever is under way. What the host is working on is left to it, unheard. */
  cutOff(): void {
    this.#conductor?.forsake()
    this.#session?.cutOff()
    this.#run()
    if (!this.#closing) this.#socket.destroy()
  }

  #begin(secure: boolean): void {
    const { settings, host, timeouts, onFault } = this.#service
    this.#session = new Session(settings, { address: this.#address, secure })
    this.#conductor = new Conductor(this.#session, host, {
      answerMs: timeouts.answerMs,
      onAnswer: this.#onAnswer,
      onFault,
    })
    this.#run()
  }

  /** Goes on as far as bytes and answers allow. A fault of the program ends this connection, and no other. */
  #run(): void {
    try {
      this.#goOn()
    } catch (fault) {
      this.#service.onFault?.(fault)
      this.#socket.destroy()
    }
  }

  #goOn(): void {
    const session = this.#session
    const conductor = this.#conductor
    if (session === undefined || conductor === undefined || conductor.waiting) return
    let need = conductor.run()
    if (need === 'input' && this.#finished) {
      // All that the client said before it closed its half has been answered.
      session.hangUp()
      conductor.run()
      need = 'close'
    }
    this.#limitMessage(conductor.receiving)
    this.#say(session.takeOutput())
    if (this.#gone || this.#closing) return
    if (need === 'close') this.#close()
    else if (need === 'upgrade' && !this.#handshaking) this.#upgrade()
  }

  #say(output: string): void {
    // A client that does not read its replies is not read from either.
    if (output !== '' && this.#socket.writable && !this.#socket.write(output, 'latin1')) this.#socket.pause()
  }

  #limitMessage(receiving: boolean): void {
    if (receiving && this.#messageTimer === undefined) {
      this.#messageTimer = setTimeout(this.#onSlowMessage, this.#service.timeouts.messageMs)
    } else if (!receiving && this.#messageTimer !== undefined) {
      clearTimeout(this.#messageTimer)
      this.#messageTimer = undefined
    }
  }

  /** Bytes that still come are read and dropped: unread ones would make the kernel take back the last reply. */
  #close(): void {
    this.#closing = true
    this.#socket.end()
    this.#socket.resume()
    this.#endAfter(this.#service.timeouts.lingerMs)
  }

  #upgrade(): void {
    const { secureContext, timeouts } = this.#service
    const clear = this.#socket
    if (secureContext === undefined) return void clear.destroy()
    this.#handshaking = true
    this.#detach(clear)
    const secure = new TLSSocket(clear, { isServer: true, secureContext: secureContext() })
    this.#attach(secure)
    this.#endAfter(timeouts.handshakeMs)
    secure.once('secure', () => {
      clearTimeout(this.#endTimer)
      this.#handshaking = false
      this.#conductor?.secured()
      if (this.#session === undefined) this.#begin(true)
      else this.#run()
    })
  }

  #expire(): void {
    this.#session?.expire()
    this.#run()
  }

  #leave(): void {
    this.#session?.hangUp()
    this.#run()
    this.#onClose(this)
  }

  #endAfter(ms: number): void {
    clearTimeout(this.#endTimer)
    this.#endTimer = setTimeout(() => this.#socket.destroy(), ms)
  }

  #attach(socket: Socket): void {
    this.#socket = socket
    socket.setTimeout(this.#service.timeouts.idleMs)
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('drain', this.#onDrain)
    socket.on('timeout', this.#onSilence)
    socket.on('close', this.#onGone)
    // An error is always followed by `close`, which says all that matters here.
    socket.on('error', () => {})
  }

  #detach(socket: Socket): void {
    socket.setTimeout(0)
    socket.off('data', this.#onData)
    socket.off('end', this.#onEnd)
    socket.off('drain', this.#onDrain)
    socket.off('timeout', this.#onSilence)
    socket.off('close', this.#onGone)
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#closing) return
    this.#session?.receive(bytes)
    // One chunk may wait while the host has the word; more of them would gather without end.
    if (this.#conductor?.waiting) this.#socket.pause()
    else this.#run()
  }

  readonly #onAnswer = (): void => {
    if (this.#expired) this.#session?.expire()
    this.#expired = false
    if (this.#gone) return this.#leave()
    this.#run()
    if (!this.#conductor?.waiting && !this.#socket.writableNeedDrain) this.#socket.resume()
  }

  readonly #onEnd = (): void => {
    this.#finished = true
    this.#run()
  }

  readonly #onDrain = (): void => {
    if (!this.#conductor?.waiting) this.#socket.resume()
  }

  readonly #onSilence = (): void => {
    // It is not the client who is silent while the host has the word.
    if (!this.#conductor?.waiting) this.#expire()
  }

  readonly #onSlowMessage = (): void => {
    if (this.#conductor?.waiting) this.#expired = true
    else this.#expire()
  }

  readonly #onGone = (): void => {
    this.#gone = true
    clearTimeout(this.#endTimer)
    // A mail that the host is delivering is not given up; what comes of it is told in the log only.
    if (!this.#conductor?.waiting) this.#leave()
  }
}

/** An address as IPv4 where it is one in disguise (RFC 4291 section 2.5.5.2), and without a zone. */
function plainAddress(address: string): string {
  const zone = address.indexOf('%')
  const plain = zone < 0 ? address : address.slice(0, zone)
  return plain.startsWith('::ffff:') && plain.includes('.') ? plain.slice('::ffff:'.length) : plain
}
