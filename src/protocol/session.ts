import type { SentReply } from './event-queue.ts'
import type { Event, HostReply, SessionCloseReason } from './events.ts'
import type { Client } from './host.ts'
import { InputBuffer } from './input-buffer.ts'
import { commandReader } from './readers/command-reader.ts'
import { handshakeReader } from './readers/handshake-reader.ts'
import { replies } from './replies.ts'
import type { Reply } from './reply.ts'
import { type Peer, SessionState } from './session-state.ts'
import type { SessionSettings } from './settings.ts'
import { closeIfEarly } from './strict-pipelining.ts'

export type { Peer }

/** What a driver may ask of a session. */
export interface SessionOptions {
  /** Keep each reply for `takeReplies`; false if left out. */
  readonly recordReplies?: boolean
}

/**
 * The server side of one SMTP connection, without a socket, a clock or a promise: bytes go in, events and replies
 * come out.
 *
 * Contract: after every call that changes the session (`receive`, `answer`, `tlsEstablished`, `timeout`, `drain`,
 * `abort`, `shed`, `peerClosed`, `disconnected`), call `next` until it returns undefined, and send what `takeOutput`
 * returns. Do each action as it comes. Answer each question with `answer`; until then nothing more is
 * read. No method throws because of what a client sends.
 */
export class Session {
  readonly #input = new InputBuffer()
  readonly #state: SessionState

  constructor(settings: SessionSettings, peer: Peer, { recordReplies = false }: SessionOptions = {}) {
    const state = new SessionState(settings, peer, commandReader, recordReplies)
    this.#state = state
    state.ask({ type: 'connect' }, replies.greeting(settings.hostname, settings.service), {
      onReject: reply => {
        state.connectionRefused = true
        // In place of the greeting, 421 is the only temporary failure (RFC 5321 section 4.3.2).
        if (reply.code < 500) state.close('refused', { ...reply, code: 421 })
        else state.reply(reply)
      },
    })
  }

  /** What is known about the client. The object changes as the session goes on. */
  get client(): Client {
    return this.#state
  }

  /** True while the content of a message is coming, even if it is dropped. */
  get receivesContent(): boolean {
    return this.#state.transaction?.receiver !== undefined
  }

  /** Bytes that were received and are not read yet. */
  get unreadBytes(): number {
    return this.#input.heldBytes
  }

  /**
   * Bytes of memory that the session holds for what its client sent: input that is not read yet, and an estimate of the
   * envelope. Content is not counted: once it is passed on, it is the host's.
   */
  get heldBytes(): number {
    return this.#input.heldBytes + this.#state.envelopeBytes
  }

  /** True if the host has a whole message from this client, and has not answered yet. */
  get isDelivering(): boolean {
    return this.#state.isDelivering
  }

  /** True if the client has logged in, or the host has accepted a message from it. */
  get isKnown(): boolean {
    return this.#state.user !== undefined || this.#state.hasDelivered
  }

  /** True if the host has refused the connection. */
  get isRefused(): boolean {
    return this.#state.connectionRefused
  }

  /** Takes bytes from the client. They are not copied and must not change afterwards. */
  receive(bytes: Buffer): void {
    this.#input.add(bytes)
    closeIfEarly(this.#state, this.#input)
  }

  /**
   * Copies the bytes that are not read yet if they are a small part of a larger buffer, which they would keep in
   * memory. Call this when no more is read for now.
   */
  detachInput(): void {
    this.#input.detach()
  }

  /** Returns the next event; undefined if a question is pending or more input is needed. */
  next(): Event | undefined {
    const { queue } = this.#state
    let event: Event | undefined
    do event = queue.next()
    while (event === undefined && queue.isIdle && this.#step())
    return event
  }

  /** Answers the latest question. @param answer without it the host accepts */
  answer(answer?: HostReply): void {
    this.#state.answer(answer)
    closeIfEarly(this.#state, this.#input)
  }

  /** TLS is up, as `upgrade` asked for: everything that was sent in plaintext is forgotten. */
  tlsEstablished(): void {
    if (this.#state.reader !== handshakeReader) return
    this.#input.clear()
    this.#state.resetAfterTls()
  }

  /** The client was silent or slow for too long: closes with `421 4.4.2`. */
  timeout(): void {
    this.#closeWith('timeout', replies.timeout(this.#state.settings.hostname))
  }

  /** The server shuts down: closes with `421 4.3.2` as soon as no message is being received. */
  drain(): void {
    this.#state.drain()
  }

  /** The server cannot wait any longer: closes with `421 4.3.2` at once. */
  abort(): void {
    this.#closeWith('shutdown', replies.shuttingDown(this.#state.settings.hostname))
  }

  /** The server has no memory or connection to spare: closes with `421 4.3.2` at once. */
  shed(): void {
    this.#closeWith('overload', replies.overloaded(this.#state.settings.hostname))
  }

  /**
   * The client has closed its side of the connection, which the host sees from now on (`Client.gone`). The session goes
   * on: commands that were received are still answered, and answers of the host are still waited for.
   */
  peerClosed(): void {
    this.#state.peerClosed = true
  }

  /** The connection is lost: the session ends, and nothing is waited for. */
  disconnected(): void {
    if (!this.#state.closed) this.#state.end()
  }

  /** Returns the replies since the last call, in ASCII. */
  takeOutput(): string {
    return this.#state.queue.takeOutput()
  }

  /** Returns the same replies one by one; empty without the option `recordReplies`. */
  takeReplies(): readonly SentReply[] {
    return this.#state.queue.takeReplies()
  }

  /** Reads on; false if nothing can be done before more input comes. */
  #step(): boolean {
    const state = this.#state
    if (state.closeIfDraining()) return true
    if (!this.#input.isEmpty && state.yieldIfDue()) return true
    state.mustWaitForReply = false
    if (!state.reader.read(this.#input, state)) {
      state.endTurn()
      return false
    }
    closeIfEarly(this.#state, this.#input)
    return true
  }

  #closeWith(reason: SessionCloseReason, reply: Reply): void {
    const state = this.#state
    if (state.closed) return
    // A client that begins TLS cannot read a reply in plaintext.
    state.close(reason, state.reader === handshakeReader ? undefined : reply)
  }
}
