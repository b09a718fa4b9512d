import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { type Peer, Session } from '../protocol/index.ts'
import type { Chronicle } from './chronicle.ts'
import { type ClientSocket, copyOf, copyToRead } from './client-socket.ts'
import { ClientTlsSocket, tlsReadBytes } from './client-tls-socket.ts'
import { Conductor } from './conductor.ts'
import { type Claim, idleBytes, type Open } from './connections.ts'
import { Patience } from './patience.ts'
import type { Service } from './service.ts'
import type { SessionOutcome } from './traffic.ts'
import type { TurnQueue } from './turn-queue.ts'

/** What belongs to a connection besides its service. */
export interface Owner {
  readonly onClose: (connection: Connection) => void
  /** What the connection holds in memory may have changed. */
  readonly onHeld: (connection: Connection) => void
  /** Shared by all connections of the server. */
  readonly turns: TurnQueue
  readonly chronicle?: Chronicle | undefined
}

/** Bytes that may wait while the host decides. Reading stops after them, so one more read may be held. */
const aheadBytes = 4 * 1024

/**
 * Once this many bytes of a message's content have come, reads are larger. Input that waits after the end of such a message
 * is part of what `--memory` counts for the message.
 */
const largeContentBytes = 256 * 1024

/**
 * One session on one socket. Carries bytes in and replies out, wraps the socket in TLS, and ends every wait. Bytes are
 * read only as fast as the host decides and as the client reads its replies.
 */
export class Connection implements Open {
  readonly #client: Omit<Peer, 'secure'>
  readonly #service: Service
  readonly #owner: Owner
  /** Absent where nobody watches. */
  readonly #chronicle: Chronicle | undefined
  /**
   * `handshake`: TLS is coming up. `open`: SMTP is spoken. `closing`: all is said, the client has yet to close its half.
   * `gone`: the socket is closed, but the host may still have the word.
   */
  #stage: 'handshake' | 'open' | 'closing' | 'gone' = 'open'
  readonly #clientSocket: ClientSocket
  /** The client's socket, or TLS above it. */
  #socket: Socket
  #secure = false
  /** Both are absent until an implicit TLS handshake is over. */
  #session: Session | undefined
  #conductor: Conductor | undefined
  /** With the client in the stage `open`. */
  readonly #patience: Patience
  /** Ends the stage `handshake` or `closing` when it takes too long, and the wait for early talkers before a greeting. */
  #stageTimer: NodeJS.Timeout | undefined
  #receivedBytes = 0
  /** Bytes of the content that is coming, estimated. */
  #contentBytes = 0
  /** The owner was told that the connection is closed. */
  #isOver = false
  #activeAt = performance.now()

  /**
   * @param client who it is; that need not be the other end of the socket
   * @param owner `onClose` is called once, when the client is gone and the host has nothing more to say
   */
  constructor(clientSocket: ClientSocket, client: Omit<Peer, 'secure'>, service: Service, owner: Owner) {
    this.#clientSocket = clientSocket
    this.#socket = clientSocket.socket
    this.#client = client
    this.#service = service
    this.#owner = owner
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

  get heldBytes(): number {
    const idle = this.#secure ? idleBytes.tls + Math.min(this.#receivedBytes, tlsReadBytes) : idleBytes.clear
    return idle + (this.#session?.heldBytes ?? 0) + this.#socket.writableLength
  }

  get activeAt(): number {
    return this.#activeAt
  }

  get claim(): Claim {
    const session = this.#session
    if (session?.isDelivering) return 'delivering'
    if (this.#stage === 'closing' || this.#stage === 'gone') return 'closing'
    if (session?.receivesContent) return 'receiving'
    return session?.isKnown ? 'known' : 'unknown'
  }

  /**
   * @param implicitTls TLS comes before the first byte of SMTP (RFC 8314 section 3.3)
   * @param bytes what the client has said already
   * @returns false when no more bytes may come for now
   */
  start(implicitTls: boolean, bytes?: Buffer): boolean {
    this.#attach(this.#socket)
    this.#clientSocket.receiver = bytes => this.#receive(copyToRead(bytes))
    this.#guard(() => {
      if (implicitTls) this.#awaitTls()
      else this.#open(false)
    })
    return bytes === undefined ? this.#wantsMore : this.#clientSocket.receiver(bytes)
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
    // A client that does not read its replies would not read this one.
    if (this.#stage === 'handshake' || this.#socket.writableNeedDrain) this.#break('shutdown')
    this.#session?.cutOff()
    this.#run()
  }

  /** Says 421 and closes at once: the server has no room for this connection any more. */
  shed(): void {
    this.#conductor?.forsake()
    if (this.#stage === 'gone') return this.#leave()
    // While earlier replies are not sent, 421 would have to wait for the client to read them.
    if (this.#session === undefined || this.#stage !== 'open' || this.#socket.writableLength > 0)
      return this.#break('overload')
    this.#session.shed()
    this.#run()
    this.#socket.destroySoon()
  }

  #open(secure: boolean): void {
    const { settings, host, timeouts, onFault } = this.#service
    this.#stage = 'open'
    this.#patience.begin()
    this.#session = new Session(settings, { ...this.#client, secure })
    this.#conductor = new Conductor(this.#session, host, {
      answerMs: timeouts.answerMs,
      pauseMs: timeouts.pauseMs,
      turns: this.#owner.turns,
      onAnswer: this.#onAnswer,
      onFault,
    })
    // Who talks now did not wait for the greeting, and is heard at once.
    if (settings.strictPipelining) this.#stageTimer = setTimeout(() => this.#run(), timeouts.earlyTalkMs)
    else this.#run()
  }

  /** Goes on as far as bytes and answers allow, and only while the client reads its replies. */
  #run(): void {
    if (this.#stage !== 'open' || this.#conductor?.waiting || this.#socket.writableNeedDrain) return
    this.#guard(() => this.#goOn())
  }

  /**
   * True if more bytes may come. While the host decides, that is so until `aheadBytes` wait: without reading, the end of
   * the connection would not be noticed.
   */
  get #wantsMore(): boolean {
    if (this.#stage === 'closing' || this.#stage === 'handshake') return true
    if (this.#stage !== 'open' || this.#socket.writableNeedDrain) return false
    return !this.#conductor?.waiting || this.#session!.unreadBytes < aheadBytes
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
    if (output !== '' || session.receivesContent) {
      this.#activeAt = performance.now()
      this.#patience.renew()
    }
    this.#patience.limitMessage(session.receivesContent)
    this.#say(output)
    if (halt === 'close') this.#close()
    else if (halt === 'upgrade') this.#awaitTls()
  }

  #say(output: string): void {
    if (output === '') return
    this.#chronicle?.said(output)
    if (this.#socket.writable) this.#socket.write(output, 'latin1')
  }

  /** The handshake begins with the next bytes of the client. */
  #awaitTls(): void {
    const { secureContext, timeouts } = this.#service
    if (secureContext === undefined) throw new Error('TLS was to begin, but there is no certificate')
    this.#stage = 'handshake'
    this.#secure = true
    this.#owner.onHeld(this)
    this.#clientSocket.receiver = bytes => {
      this.#guard(() => this.#shakeHands(copyOf(bytes), secureContext()))
      return false
    }
    this.#endStageAfter(timeouts.handshakeMs)
  }

  #shakeHands(first: Buffer, secureContext: SecureContext): void {
    const clear = this.#socket
    // It throws where the context is none, and then the end of the socket is still to be heard.
    const secure = new ClientTlsSocket(clear, first, secureContext, bytes => this.#receive(bytes))
    this.#detach(clear)
    this.#attach(secure)
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
    if (this.#session === undefined) {
      this.#open(true)
    } else {
      this.#stage = 'open'
      this.#patience.renew()
      this.#conductor?.secured()
      this.#run()
    }
    if (this.#wantsMore) this.#socket.resume()
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
    // What the host was told last may take it a while, and then this is called again.
    if (this.#isOver) return
    this.#isOver = true
    this.#chronicle?.over()
    this.#owner.onClose(this)
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
    socket.on('end', this.#onEnd)
    socket.on('drain', this.#onDrain)
    socket.on('close', this.#onGone)
    // An error is always followed by `close`, which says all that matters here.
    socket.on('error', () => {})
  }

  #detach(socket: Socket): void {
    socket.off('end', this.#onEnd)
    socket.off('drain', this.#onDrain)
    socket.off('close', this.#onGone)
  }

  /** Takes bytes from the client. Returns false if no more may come for now. */
  #receive(bytes: Buffer): boolean {
    // After the last reply what still comes is dropped.
    if (this.#stage === 'open') {
      this.#receivedBytes += bytes.length
      this.#session?.receive(bytes)
      this.#run()
      this.#session?.detachInput()
      this.#contentBytes = this.#session?.receivesContent ? this.#contentBytes + bytes.length : 0
      this.#clientSocket.readsMuch = this.#contentBytes >= largeContentBytes
      this.#owner.onHeld(this)
    }
    return this.#wantsMore
  }

  readonly #onAnswer = (): void => {
    if (this.#stage === 'gone') return this.#leave()
    this.#patience.resume()
    this.#proceed()
  }

  readonly #onEnd = (): void => {
    this.#session?.peerClosed()
    if (this.#stage === 'handshake') this.#socket.destroy()
    this.#run()
  }

  readonly #onDrain = (): void => this.#proceed()

  #proceed(): void {
    this.#run()
    this.#owner.onHeld(this)
    if (this.#wantsMore) this.#socket.resume()
  }

  #expire(): void {
    if (this.#stage !== 'open') return
    // A client that does not read its replies would not read this one.
    if (this.#socket.writableNeedDrain) return this.#break('timeout')
    this.#session?.expire()
    this.#run()
  }

  readonly #onGone = (): void => {
    this.#stage = 'gone'
    clearTimeout(this.#stageTimer)
    this.#patience.end()
    this.#session?.peerClosed()
    // A mail that the host is delivering is not given up; what comes of it is told in the log only.
    if (!this.#conductor?.waiting) this.#leave()
  }
}
