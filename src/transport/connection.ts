import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { type Peer, Session } from '../protocol/index.ts'
import type { Chronicle } from './chronicle.ts'
import { Conductor } from './conductor.ts'
import { Patience } from './patience.ts'
import type { Service } from './service.ts'
import type { SessionOutcome } from './traffic.ts'

/** What belongs to a connection besides its service. */
export interface Owner {
  readonly onClose: (connection: Connection) => void
  readonly chronicle?: Chronicle | undefined
}

/**
 * One session on one socket. Carries bytes in and replies out, wraps the socket in TLS, and ends every wait. Bytes are
 * read only as fast as the host decides and as the client reads its replies.
 */
export class Connection {
  readonly #client: Omit<Peer, 'secure'>
  readonly #service: Service
  readonly #onClose: (connection: Connection) => void
  /** Absent where nobody watches. */
  readonly #chronicle: Chronicle | undefined
  /**
   * `handshake`: TLS is coming up. `open`: SMTP is spoken. `closing`: all is said, the client has yet to close its half.
   * `gone`: the socket is closed, but the host may still have the word.
   */
  #stage: 'handshake' | 'open' | 'closing' | 'gone' = 'open'
  #socket: Socket
  /** Both are absent until an implicit TLS handshake is over. */
  #session: Session | undefined
  #conductor: Conductor | undefined
  /** With the client in the stage `open`. */
  readonly #patience: Patience
  /** Ends the stage `handshake` or `closing` when it takes too long, and the wait for early talkers before a greeting. */
  #stageTimer: NodeJS.Timeout | undefined
  #receivedBytes = 0

  /**
   * @param client who it is; that need not be the other end of the socket
   * @param owner `onClose` is called once, when the client is gone and the host has nothing more to say
   */
  constructor(socket: Socket, client: Omit<Peer, 'secure'>, service: Service, owner: Owner) {
    this.#socket = socket
    this.#client = client
    this.#service = service
    this.#onClose = owner.onClose
    this.#chronicle = owner.chronicle
    this.#patience = new Patience(service.timeouts, {
      hostHasWord: () => this.#conductor?.waiting === true,
      expire: () => this.#expire(),
    })
  }

  /** What the client has sent so far, commands and content; under TLS what was in it. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** @param implicitTls TLS comes before the first byte of SMTP (RFC 8314 section 3.3) */
  start(implicitTls: boolean): void {
    this.#attach(this.#socket)
    this.#guard(() => {
      if (implicitTls) return this.#shakeHands()
      // Who was introduced comes paused, and may have spoken already.
      this.#socket.resume()
      this.#open(false)
    })
  }

  /** Lets the client finish the mail it is sending, then says 421. */
  shutDown(): void {
    if (this.#session === undefined) this.#break('shutdown')
    this.#session?.shutDown()
    this.#run()
  }

  /** Says 421 now, whatever is under way. What the host is working on is left to it, unheard. */
  cutOff(): void {
    this.#conductor?.forsake()
    if (this.#stage === 'gone') return this.#leave()
    if (this.#stage === 'handshake') this.#break('shutdown')
    this.#session?.cutOff()
    this.#run()
  }

  #open(secure: boolean): void {
    const { settings, host, timeouts, onFault } = this.#service
    this.#stage = 'open'
    this.#patience.begin()
    this.#session = new Session(settings, { ...this.#client, secure })
    this.#conductor = new Conductor(this.#session, host, {
      answerMs: timeouts.answerMs,
      pauseMs: timeouts.pauseMs,
      onAnswer: this.#onAnswer,
      onFault,
    })
    // Who talks now did not wait for the greeting, and is heard at once.
    if (settings.strictPipelining) this.#stageTimer = setTimeout(() => this.#run(), timeouts.earlyTalkMs)
    else this.#run()
  }

  /** Goes on as far as bytes and answers allow. */
  #run(): void {
    if (this.#stage === 'open' && !this.#conductor?.waiting) this.#guard(() => this.#goOn())
  }

  #goOn(): void {
    const session = this.#session!
    let halt = this.#conductor!.run()
    if (halt === 'input' && this.#socket.readableEnded) {
      // All that the client said before it closed its half has been answered.
      this.#chronicle?.ends('hangup')
      session.hangUp()
      this.#conductor!.run()
      halt = 'close'
    }
    const output = session.takeOutput()
    // A command that never ends is silence, however many bytes it has.
    if (output !== '' || session.receivesContent) this.#patience.renew()
    this.#patience.limitMessage(session.receivesContent)
    this.#say(output)
    if (halt === 'close') this.#close()
    else if (halt === 'upgrade') this.#shakeHands()
  }

  #say(output: string): void {
    // A client that does not read its replies is not read from either.
    if (output === '') return
    this.#chronicle?.said(output)
    if (this.#socket.writable && !this.#socket.write(output, 'latin1')) this.#socket.pause()
  }

  #shakeHands(): void {
    const { secureContext, timeouts } = this.#service
    if (secureContext === undefined) throw new Error('TLS was to begin, but there is no certificate')
    const options = { isServer: true, secureContext: secureContext() }
    this.#stage = 'handshake'
    // It throws where the context is none, and then the end of the socket is still to be heard.
    const secure = new TLSSocket(this.#socket, options)
    this.#detach(this.#socket)
    this.#attach(secure)
    this.#endStageAfter(timeouts.handshakeMs)
    // A TLS socket that no TLS server made tells of broken records in this way only.
    secure.once('_tlsError', () => this.#break('errors'))
    secure.once('secure', () => {
      if (this.#stage !== 'handshake') return
      this.#chronicle?.secured(secure.getProtocol() ?? '', secure.getCipher().name)
      this.#guard(() => this.#secured())
    })
  }

  #secured(): void {
    clearTimeout(this.#stageTimer)
    if (this.#session === undefined) return this.#open(true)
    this.#stage = 'open'
    this.#patience.renew()
    this.#conductor?.secured()
    this.#run()
  }

  /** Bytes that still come are read and dropped: unread ones would make the kernel take back the last reply. */
  #close(): void {
    this.#stage = 'closing'
    this.#chronicle?.closed()
    this.#patience.end()
    this.#socket.end()
    this.#socket.resume()
    this.#endStageAfter(this.#service.timeouts.lingerMs)
  }

  #leave(): void {
    this.#guard(() => {
      this.#session?.hangUp()
      this.#conductor?.run()
    })
    this.#chronicle?.over()
    this.#onClose(this)
  }

  #endStageAfter(ms: number): void {
    clearTimeout(this.#stageTimer)
    this.#stageTimer = setTimeout(() => this.#break('timeout'), ms)
  }

  /** A fault of the program ends this connection, and no other. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (fault) {
      this.#service.onFault?.(fault)
      this.#break('fault')
    }
  }

  #break(outcome: SessionOutcome): void {
    this.#chronicle?.ends(outcome)
    this.#socket.destroy()
  }

  #attach(socket: Socket): void {
    this.#socket = socket
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('drain', this.#onDrain)
    socket.on('close', this.#onGone)
    // An error is always followed by `close`, which says all that matters here.
    socket.on('error', () => {})
  }

  #detach(socket: Socket): void {
    socket.off('data', this.#onData)
    socket.off('end', this.#onEnd)
    socket.off('drain', this.#onDrain)
    socket.off('close', this.#onGone)
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#stage !== 'open') return
    this.#receivedBytes += bytes.length
    this.#session?.receive(bytes)
    // One chunk may wait while the host has the word; more of them would gather without end.
    if (this.#conductor?.waiting) this.#socket.pause()
    else this.#run()
  }

  readonly #onAnswer = (): void => {
    if (this.#stage === 'gone') return this.#leave()
    this.#patience.resume()
    this.#run()
    if (!this.#conductor?.waiting && !this.#socket.writableNeedDrain) this.#socket.resume()
  }

  readonly #onEnd = (): void => {
    if (this.#stage === 'handshake') this.#socket.destroy()
    this.#run()
  }

  readonly #onDrain = (): void => {
    if (!this.#conductor?.waiting) this.#socket.resume()
  }

  #expire(): void {
    if (this.#stage !== 'open') return
    this.#session?.expire()
    this.#run()
  }

  readonly #onGone = (): void => {
    this.#stage = 'gone'
    clearTimeout(this.#stageTimer)
    this.#patience.end()
    // A mail that the host is delivering is not given up; what comes of it is told in the log only.
    if (!this.#conductor?.waiting) this.#leave()
  }
}
