import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { type Peer, Session } from '../protocol/index.ts'
import { type ClientSocket, copyOf, copyToRead } from './client-socket.ts'
import { ClientTimers } from './client-timers.ts'
import { ClientTlsSocket, tlsReadBytes } from './client-tls-socket.ts'
import type { CloseReason } from './connection-events.ts'
import type { ConnectionObserver } from './connection-observer.ts'
import { type Activity, idleBytes, type TrackedConnection } from './connections.ts'
import type { ServerOptions } from './server-options.ts'
import { SessionDriver } from './session-driver.ts'
import type { TurnQueue } from './turn-queue.ts'

/** What belongs to a connection besides its service. */
export interface ConnectionHooks {
  readonly onClose: (connection: Connection) => void
  /** What the connection holds in memory may have changed. */
  readonly onMemoryChange: (connection: Connection) => void
  /** Shared by all connections of the server. */
  readonly turns: TurnQueue
  readonly observer?: ConnectionObserver | undefined
}

/** Bytes that may wait while the host decides. Reading stops after them, so one more read may be held. */
const aheadBytes = 4 * 1024

/**
 * Once this many bytes of a message's content have come, reads are larger. Input that waits after the end of such a message
 * is part of what `--message-memory` counts for the message.
 */
const largeContentBytes = 256 * 1024

/**
 * One session on one socket. Carries bytes in and replies out, wraps the socket in TLS, and ends every wait. Bytes are
 * read only as fast as the host decides and as the client reads its replies.
 */
export class Connection implements TrackedConnection {
  readonly #client: Omit<Peer, 'secure'>
  readonly #options: ServerOptions
  readonly #hooks: ConnectionHooks
  /** Absent where nobody watches. */
  readonly #observer: ConnectionObserver | undefined
  /**
   * `handshake`: TLS is coming up. `open`: SMTP is spoken. `closing`: all is said, the client has yet to close its half.
   * `gone`: the socket is closed, but the host may still have the word.
   */
  #state: 'handshake' | 'open' | 'closing' | 'gone' = 'open'
  readonly #clientSocket: ClientSocket
  /** The client's socket, or TLS above it. */
  #socket: Socket
  #secure = false
  /** Both are absent until an implicit TLS handshake is over. */
  #session: Session | undefined
  #driver: SessionDriver | undefined
  /** With the client in the stage `open`. */
  readonly #timers: ClientTimers
  /** Ends the stage `handshake` or `closing` when it takes too long, and the wait for early talkers before a greeting. */
  #stateTimer: NodeJS.Timeout | undefined
  #receivedBytes = 0
  /** Bytes of the content that is coming, estimated. */
  #contentBytes = 0
  /** The owner was told that the connection is closed. */
  #isFinished = false
  #activeAt = performance.now()

  /**
   * @param client who it is; that need not be the other end of the socket
   * @param owner `onClose` is called once, when the client is gone and the host has nothing more to say
   */
  constructor(
    clientSocket: ClientSocket,
    client: Omit<Peer, 'secure'>,
    service: ServerOptions,
    owner: ConnectionHooks,
  ) {
    this.#clientSocket = clientSocket
    this.#socket = clientSocket.socket
    this.#client = client
    this.#options = service
    this.#hooks = owner
    this.#observer = owner.observer
    this.#timers = new ClientTimers(service.timeouts, {
      hostBusy: () => this.#driver?.waiting === true,
      onTimeout: () => this.#timeout(),
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

  get activity(): Activity {
    const session = this.#session
    if (session?.isDelivering) return 'delivering'
    if (this.#state === 'closing' || this.#state === 'gone') return 'closing'
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
  drain(): void {
    if (this.#session === undefined) this.#destroy('shutdown')
    this.#session?.drain()
    this.#run()
  }

  /** Says 421 now, whatever is under way. What the host is working on is left to it, unheard. */
  abort(): void {
    this.#driver?.abandonWait()
    if (this.#state === 'gone') return this.#finish()
    // A client that does not read its replies would not read this one.
    if (this.#state === 'handshake' || this.#socket.writableNeedDrain) this.#destroy('shutdown')
    this.#session?.abort()
    this.#run()
  }

  /** Says 421 and closes at once: the server has no room for this connection any more. */
  shed(): void {
    this.#driver?.abandonWait()
    if (this.#state === 'gone') return this.#finish()
    // While earlier replies are not sent, 421 would have to wait for the client to read them.
    if (this.#session === undefined || this.#state !== 'open' || this.#socket.writableLength > 0)
      return this.#destroy('overload')
    this.#session.shed()
    this.#run()
    this.#socket.destroySoon()
  }

  #open(secure: boolean): void {
    const { settings, host, timeouts, onError } = this.#options
    this.#state = 'open'
    this.#timers.start()
    this.#session = new Session(settings, { ...this.#client, secure })
    this.#driver = new SessionDriver(this.#session, host, {
      hostMs: timeouts.hostMs,
      errorDelayMs: timeouts.errorDelayMs,
      turns: this.#hooks.turns,
      onAnswer: this.#onAnswer,
      onFault: onError,
    })
    // Who talks now did not wait for the greeting, and is heard at once.
    if (settings.strictPipelining) this.#stateTimer = setTimeout(() => this.#run(), timeouts.earlyTalkMs)
    else this.#run()
  }

  /** Goes on as far as bytes and answers allow, and only while the client reads its replies. */
  #run(): void {
    if (this.#state !== 'open' || this.#driver?.waiting || this.#socket.writableNeedDrain) return
    this.#guard(() => this.#advance())
  }

  /**
   * True if more bytes may come. While the host decides, that is so until `aheadBytes` wait: without reading, the end of
   * the connection would not be noticed.
   */
  get #wantsMore(): boolean {
    if (this.#state === 'closing' || this.#state === 'handshake') return true
    if (this.#state !== 'open' || this.#socket.writableNeedDrain) return false
    return !this.#driver?.waiting || this.#session!.unreadBytes < aheadBytes
  }

  #advance(): void {
    const session = this.#session!
    let halt = this.#driver!.run()
    if (halt === 'input' && this.#socket.readableEnded) {
      // All that the client said before it closed its half has been answered.
      this.#observer?.ends('hangup')
      session.disconnected()
      this.#driver!.run()
      halt = 'close'
    }
    const output = session.takeOutput()
    // A command that never ends is silence, however many bytes it has.
    if (output !== '' || session.receivesContent) {
      this.#activeAt = performance.now()
      this.#timers.touch()
    }
    this.#timers.setMessageTimer(session.receivesContent)
    this.#send(output)
    if (halt === 'close') this.#close()
    else if (halt === 'upgrade') this.#awaitTls()
  }

  #send(output: string): void {
    if (output === '') return
    this.#observer?.said(output)
    if (this.#socket.writable) this.#socket.write(output, 'latin1')
  }

  /** The handshake begins with the next bytes of the client. */
  #awaitTls(): void {
    const { secureContext, timeouts } = this.#options
    if (secureContext === undefined) throw new Error('TLS was to begin, but there is no certificate')
    this.#state = 'handshake'
    this.#secure = true
    this.#hooks.onMemoryChange(this)
    this.#clientSocket.receiver = bytes => {
      this.#guard(() => this.#startTls(copyOf(bytes), secureContext()))
      return false
    }
    this.#setStateTimer(timeouts.handshakeMs)
  }

  #startTls(first: Buffer, secureContext: SecureContext): void {
    const clear = this.#socket
    // It throws where the context is none, and then the end of the socket is still to be heard.
    const secure = new ClientTlsSocket(clear, first, secureContext, bytes => this.#receive(bytes))
    this.#detach(clear)
    this.#attach(secure)
    // A TLS socket that no TLS server made tells of broken records in this way only.
    secure.once('_tlsError', () => this.#destroy('errors'))
    secure.once('secure', () => {
      if (this.#state !== 'handshake') return
      this.#observer?.secured(secure.getProtocol() ?? '', secure.getCipher().name)
      this.#guard(() => this.#tlsEstablished())
    })
  }

  #tlsEstablished(): void {
    clearTimeout(this.#stateTimer)
    if (this.#session === undefined) {
      this.#open(true)
    } else {
      this.#state = 'open'
      this.#timers.touch()
      this.#driver?.tlsEstablished()
      this.#run()
    }
    if (this.#wantsMore) this.#socket.resume()
  }

  /** Bytes that still come are read and dropped: unread ones would make the kernel take back the last reply. */
  #close(): void {
    this.#state = 'closing'
    this.#observer?.closed()
    this.#timers.stop()
    this.#socket.end()
    this.#socket.resume()
    this.#setStateTimer(this.#options.timeouts.lingerMs)
  }

  #finish(): void {
    this.#guard(() => {
      this.#session?.disconnected()
      this.#driver?.run()
    })
    // What the host was told last may take it a while, and then this is called again.
    if (this.#isFinished) return
    this.#isFinished = true
    this.#observer?.over()
    this.#hooks.onClose(this)
  }

  #setStateTimer(ms: number): void {
    clearTimeout(this.#stateTimer)
    this.#stateTimer = setTimeout(() => this.#destroy('timeout'), ms)
  }

  /** A fault of the program ends this connection, and no other. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (fault) {
      this.#options.onError?.(fault)
      this.#destroy('fault')
    }
  }

  #destroy(outcome: CloseReason): void {
    this.#observer?.ends(outcome)
    this.#socket.destroy()
  }

  #attach(socket: Socket): void {
    this.#socket = socket
    socket.on('end', this.#onEnd)
    socket.on('drain', this.#onDrain)
    socket.on('close', this.#onClose)
    // An error is always followed by `close`, which says all that matters here.
    socket.on('error', () => {})
  }

  #detach(socket: Socket): void {
    socket.off('end', this.#onEnd)
    socket.off('drain', this.#onDrain)
    socket.off('close', this.#onClose)
  }

  /** Takes bytes from the client. Returns false if no more may come for now. */
  #receive(bytes: Buffer): boolean {
    // After the last reply what still comes is dropped.
    if (this.#state === 'open') {
      this.#receivedBytes += bytes.length
      this.#session?.receive(bytes)
      this.#run()
      this.#session?.detachInput()
      this.#contentBytes = this.#session?.receivesContent ? this.#contentBytes + bytes.length : 0
      this.#clientSocket.useLargeReads = this.#contentBytes >= largeContentBytes
      this.#hooks.onMemoryChange(this)
    }
    return this.#wantsMore
  }

  readonly #onAnswer = (): void => {
    if (this.#state === 'gone') return this.#finish()
    this.#timers.hostDone()
    this.#resume()
  }

  readonly #onEnd = (): void => {
    this.#session?.peerClosed()
    if (this.#state === 'handshake') this.#socket.destroy()
    this.#run()
  }

  readonly #onDrain = (): void => this.#resume()

  #resume(): void {
    this.#run()
    this.#hooks.onMemoryChange(this)
    if (this.#wantsMore) this.#socket.resume()
  }

  #timeout(): void {
    if (this.#state !== 'open') return
    // A client that does not read its replies would not read this one.
    if (this.#socket.writableNeedDrain) return this.#destroy('timeout')
    this.#session?.timeout()
    this.#run()
  }

  readonly #onClose = (): void => {
    this.#state = 'gone'
    clearTimeout(this.#stateTimer)
    this.#timers.stop()
    this.#session?.peerClosed()
    // A mail that the host is delivering is not given up; what comes of it is told in the log only.
    if (!this.#driver?.waiting) this.#finish()
  }
}
