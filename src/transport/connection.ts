import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { type Peer, Session } from '../protocol/index.ts'
import { emit } from '../support/emit.ts'
import { type ClientSocket, copyToRead, ownedCopy } from './client-socket.ts'
import { ClientTimers } from './client-timers.ts'
import { ClientTlsSocket, tlsReadBytes } from './client-tls-socket.ts'
import type { CloseReason } from './connection-events.ts'
import { type Activity, idleBytes, type TrackedConnection } from './connections.ts'
import type { ServerOptions } from './server-options.ts'
import { SessionDriver } from './session-driver.ts'
import type { TurnQueue } from './turn-queue.ts'

/** How a connection reports to its server. */
export interface ConnectionHooks {
  /** Called once, when the connection is closed and the host is doing nothing for it any more. */
  readonly onClose: (connection: Connection) => void
  /** The memory that the connection takes may have changed. */
  readonly onMemoryChange: (connection: Connection) => void
  /** Shared by all connections of the server. */
  readonly turns: TurnQueue
}

/** Unread bytes after which reading stops while the host is working. One more read may be held. */
const aheadBytes = 4 * 1024

/**
 * Bytes of a message's content after which reads are larger. Input that waits after the end of such a message is small
 * beside the message itself.
 */
const largeContentBytes = 256 * 1024

/**
 * One session on one socket. Passes bytes to the session and replies to the socket, starts TLS, and enforces timeouts.
 * Bytes are read only as fast as the host answers and as the client reads its replies.
 */
export class Connection implements TrackedConnection {
  readonly #client: Omit<Peer, 'secure'>
  readonly #options: ServerOptions
  readonly #hooks: ConnectionHooks
  /**
   * `handshake`: TLS is being started. `open`: the session is running. `closing`: the last reply is sent, and the
   * client has not closed its half. `gone`: the socket is closed, but the host may still be working.
   */
  #state: 'handshake' | 'open' | 'closing' | 'gone' = 'open'
  readonly #clientSocket: ClientSocket
  /** The client's socket, or the TLS socket over it. */
  #socket: Socket
  #secure = false
  /** Session and driver are absent until an implicit TLS handshake is complete. */
  #session: Session | undefined
  #driver: SessionDriver | undefined
  /** Run in the state `open`. */
  readonly #timers: ClientTimers
  /** Limits the states `handshake` and `closing`, and the delay of the greeting if pipelining is strict. */
  #stateTimer: NodeJS.Timeout | undefined
  #receivedBytes = 0
  /** Estimated bytes of content of the current message. */
  #contentBytes = 0
  /** `onClose` was called. */
  #isFinished = false
  readonly #openedAt = performance.now()
  #activeAt = this.#openedAt
  #tls: 'none' | 'starttls' | 'implicit' = 'none'
  #closeReason: CloseReason | undefined

  /** @param client the client, which is not the peer of the socket if a PROXY header named it */
  constructor(
    clientSocket: ClientSocket,
    client: Omit<Peer, 'secure'>,
    options: ServerOptions,
    hooks: ConnectionHooks,
  ) {
    this.#clientSocket = clientSocket
    this.#socket = clientSocket.socket
    this.#client = client
    this.#options = options
    this.#hooks = hooks
    this.#timers = new ClientTimers(options.timeouts, {
      hostBusy: () => this.#driver?.waiting === true,
      onTimeout: () => this.#timeout(),
    })
  }

  /** Bytes that the client has sent, commands and content. Under TLS, decrypted bytes. */
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
   * Starts the session.
   * @param implicitTls TLS comes before the first byte of SMTP (RFC 8314 section 3.3)
   * @param bytes what the client has sent already
   * @returns false if no more bytes may come for now
   */
  start(implicitTls: boolean, bytes?: Buffer): boolean {
    if (implicitTls) this.#tls = 'implicit'
    emit(this.#options.onEvent, { type: 'opened', address: this.#client.address })
    this.#attach(this.#socket)
    this.#clientSocket.receiver = bytes => this.#receive(copyToRead(bytes))
    this.#guard(() => {
      if (implicitTls) this.#awaitTls()
      else this.#open(false)
    })
    return bytes === undefined ? this.#wantsMore : this.#clientSocket.receiver(bytes)
  }

  /** Lets the client finish the message that it is sending, then closes with 421. */
  drain(): void {
    if (this.#session === undefined) this.#destroy('shutdown')
    this.#session?.drain()
    this.#run()
  }

  /** Closes with 421 at once. The answer of a host that is working is ignored. */
  abort(): void {
    this.#driver?.abandonWait()
    if (this.#state === 'gone') return this.#finish()
    // A client that does not read its replies would not read this one.
    if (this.#state === 'handshake' || this.#socket.writableNeedDrain) this.#destroy('shutdown')
    this.#session?.abort()
    this.#run()
  }

  /** Closes with 421 at once: the server has no memory or connection to spare. */
  shed(): void {
    this.#driver?.abandonWait()
    if (this.#state === 'gone') return this.#finish()
    // If earlier replies are not sent yet, 421 would have to wait until the client reads them.
    if (this.#session === undefined || this.#state !== 'open' || this.#socket.writableLength > 0)
      return this.#destroy('overload')
    this.#session.shed()
    this.#run()
    this.#socket.destroySoon()
  }

  #open(secure: boolean): void {
    const { settings, host, timeouts, onEvent, onError } = this.#options
    this.#state = 'open'
    this.#timers.start()
    this.#session = new Session(
      settings,
      { ...this.#client, secure },
      { recordReplies: onEvent !== undefined },
    )
    this.#driver = new SessionDriver(this.#session, host, {
      hostMs: timeouts.hostMs,
      errorDelayMs: timeouts.errorDelayMs,
      turns: this.#hooks.turns,
      onAnswer: this.#onAnswer,
      onError,
    })
    // A client that sends data now did not wait for the greeting, and is disconnected at once.
    if (settings.strictPipelining) this.#stateTimer = setTimeout(() => this.#run(), timeouts.earlyTalkMs)
    else this.#run()
  }

  /** Runs the session until it needs input or an answer, and only while the client reads its replies. */
  #run(): void {
    if (this.#state !== 'open' || this.#driver?.waiting || this.#socket.writableNeedDrain) return
    this.#guard(() => this.#advance())
  }

  /**
   * True if more bytes may come. While the host is working, this is so until `aheadBytes` are unread: without
   * reading, the end of the connection would not be noticed.
   */
  get #wantsMore(): boolean {
    if (this.#state === 'closing' || this.#state === 'handshake') return true
    if (this.#state !== 'open' || this.#socket.writableNeedDrain) return false
    return !this.#driver?.waiting || this.#session!.unreadBytes < aheadBytes
  }

  #advance(): void {
    const session = this.#session!
    let blocked = this.#driver!.run()
    if (blocked === 'input' && this.#socket.readableEnded) {
      // All commands that the client sent before it closed its half have been answered.
      this.#setCloseReason('disconnect')
      session.disconnected()
      this.#driver!.run()
      blocked = 'close'
    }
    const output = session.takeOutput()
    // Only output or content restarts the idle timer; an endless command line does not.
    if (output !== '' || session.receivesContent) {
      this.#activeAt = performance.now()
      this.#timers.touch()
    }
    this.#timers.setMessageTimer(session.receivesContent)
    this.#send(output)
    if (blocked === 'close') this.#close()
    else if (blocked === 'upgrade') this.#awaitTls()
  }

  #send(output: string): void {
    if (output === '') return
    const { onEvent } = this.#options
    if (onEvent !== undefined) {
      const { address } = this.#client
      for (const reply of this.#session!.takeReplies()) emit(onEvent, { type: 'reply', address, ...reply })
    }
    if (this.#socket.writable) this.#socket.write(output, 'latin1')
  }

  /** The handshake begins with the next bytes of the client. */
  #awaitTls(): void {
    const { secureContext, timeouts } = this.#options
    if (secureContext === undefined) throw new Error('TLS cannot start: the server has no certificate')
    this.#state = 'handshake'
    this.#secure = true
    this.#hooks.onMemoryChange(this)
    this.#clientSocket.receiver = bytes => {
      this.#guard(() => this.#startTls(ownedCopy(bytes), secureContext()))
      return false
    }
    this.#setStateTimer(timeouts.handshakeMs)
  }

  #startTls(first: Buffer, secureContext: SecureContext): void {
    const clear = this.#socket
    // This throws for an invalid context; the listeners must then still be on the client's socket.
    const secure = new ClientTlsSocket(clear, first, secureContext, bytes => this.#receive(bytes))
    this.#detach(clear)
    this.#attach(secure)
    // A TLS socket that was not made by a TLS server reports invalid records with this event only.
    secure.once('_tlsError', () => this.#destroy('errors'))
    secure.once('secure', () => {
      if (this.#state !== 'handshake') return
      if (this.#tls === 'none') this.#tls = 'starttls'
      const [protocol, cipher] = [secure.getProtocol() ?? '', secure.getCipher().name]
      emit(this.#options.onEvent, { type: 'tls', address: this.#client.address, protocol, cipher })
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

  /**
   * Bytes that still come are read and dropped: with unread bytes, the kernel would reset the connection and lose the
   * last reply.
   */
  #close(): void {
    this.#state = 'closing'
    this.#setCloseReason(this.#driver?.closeReason ?? 'disconnect')
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
    // The host may take a while to discard its message, and then this is called again.
    if (this.#isFinished) return
    this.#isFinished = true
    this.#setCloseReason('disconnect')
    emit(this.#options.onEvent, {
      type: 'closed',
      address: this.#client.address,
      tls: this.#tls,
      reason: this.#closeReason!,
      durationMs: performance.now() - this.#openedAt,
    })
    this.#hooks.onClose(this)
  }

  #setStateTimer(ms: number): void {
    clearTimeout(this.#stateTimer)
    this.#stateTimer = setTimeout(() => this.#destroy('timeout'), ms)
  }

  /** An error in the program closes this connection, and no other. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#options.onError?.(error)
      this.#destroy('fault')
    }
  }

  /** Sets the reason for the event `closed`. The first reason counts; a refused client may only leave. */
  #setCloseReason(reason: CloseReason): void {
    this.#closeReason ??= this.#session?.isRefused ? 'refused' : reason
  }

  #destroy(reason: CloseReason): void {
    this.#setCloseReason(reason)
    this.#socket.destroy()
  }

  #attach(socket: Socket): void {
    this.#socket = socket
    socket.on('end', this.#onEnd)
    socket.on('drain', this.#onDrain)
    socket.on('close', this.#onClose)
    // An error is always followed by `close`, where it is handled.
    socket.on('error', () => {})
  }

  #detach(socket: Socket): void {
    socket.off('end', this.#onEnd)
    socket.off('drain', this.#onDrain)
    socket.off('close', this.#onClose)
  }

  /** Takes bytes from the client. Returns false if no more may come for now. */
  #receive(bytes: Buffer): boolean {
    // After the last reply, further bytes are dropped.
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
    // The host goes on with a message that it is delivering. Its answer is in the log only.
    if (!this.#driver?.waiting) this.#finish()
  }
}
