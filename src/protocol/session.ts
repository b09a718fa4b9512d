import type { Event, HostReply } from './events.ts'
import type { Client } from './host.ts'
import { InputBuffer } from './input-buffer.ts'
import { commandReader } from './readers/command-reader.ts'
import { handshakeReader } from './readers/handshake-reader.ts'
import { replies } from './replies.ts'
import type { Reply } from './reply.ts'
import { SessionState } from './session-state.ts'
import type { SessionSettings } from './settings.ts'

/** The other end of a connection, as the driver knows it when it begins. */
export interface Peer {
  /** IP address, without port, brackets or zone. */
  readonly address: string
  /** TLS is up before the first byte (RFC 8314 section 3.3). */
  readonly secure: boolean
  /** It is a load balancer that looks whether the server lives, and no client. */
  readonly healthCheck?: boolean
}

/**
 * The server's side of one SMTP connection, without a socket, a clock or a promise: bytes go in, events come out.
 *
 * The law: after every call that tells the session something (`receive`, `answer`, `secured`, `expire`, `shutDown`,
 * `cutOff`, `hangUp`), call `next` until it returns undefined, and send what `takeOutput` returns. A question is answered with
 * `answer` before anything else comes out.
 */
export class Session {
  readonly #input = new InputBuffer()
  readonly #state: SessionState

  constructor(settings: SessionSettings, peer: Peer) {
    const dialogue = new SessionState(settings, peer, commandReader)
    this.#state = dialogue
    dialogue.ask({ type: 'connect' }, replies.greeting(settings.hostname, settings.service), {
      onReject: reply => {
        // A greeting can say "later" with 421 only (RFC 5321 section 4.3.2).
        if (reply.code < 500) return dialogue.close({ ...reply, code: 421 })
        dialogue.connectionRefused = true
        dialogue.reply(reply)
      },
    })
  }

  /** What is known of the client; it changes as the dialogue goes on. */
  get client(): Client {
    return this.#state
  }

  /** The content of a mail is coming, whether it is wanted or dropped. */
  get receivesContent(): boolean {
    return this.#state.transaction?.receiver !== undefined
  }

  /** Bytes that have come and are not read yet. */
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

  /** The host has a whole message from this client, and has not answered yet. */
  get isDelivering(): boolean {
    return this.#state.isDelivering
  }

  /** The client has logged in, or the host has taken a message from it. */
  get isKnown(): boolean {
    return this.#state.user !== undefined || this.#state.hasDelivered
  }

  /** Takes bytes from the client. They are not copied and must not change any more. */
  receive(bytes: Buffer): void {
    this.#input.add(bytes)
    this.#closeIfEarly()
  }

  /**
   * Copies the bytes that are not read yet, if they are a small part of a larger buffer, which they would keep in memory.
   * To be called when no more is read for now.
   */
  detachInput(): void {
    this.#input.detach()
  }

  /** The next event; undefined when a question is pending or more input is needed. */
  next(): Event | undefined {
    const dialogue = this.#state
    let event: Event | undefined
    do event = dialogue.queue.next()
    while (event === undefined && dialogue.queue.isIdle && this.#step())
    return event
  }

  /** Answers the latest question; without a verdict the host consents. */
  answer(verdict?: HostReply): void {
    this.#state.answer(verdict)
    this.#closeIfEarly()
  }

  /** TLS is up, as `upgrade` asked for: everything that was said in the clear is forgotten. */
  tlsEstablished(): void {
    if (this.#state.reader !== handshakeReader) return
    this.#input.clear()
    this.#state.resetAfterTls()
  }

  /** The client was silent for too long. */
  timeout(): void {
    this.#closeWith(replies.silentTooLong(this.#state.settings.hostname))
  }

  /** The server shuts down: says 421 as soon as no mail is under way. */
  drain(): void {
    this.#state.drain()
  }

  /** The server cannot wait any longer: says 421 whatever is under way. */
  abort(): void {
    this.#closeWith(replies.shuttingDown(this.#state.settings.hostname))
  }

  /** Says 421 and closes, whatever is under way: the server has no room for this connection any more. */
  shed(): void {
    this.#closeWith(replies.overloaded(this.#state.settings.hostname))
  }

  /**
   * The client has closed its side of the connection, which the host can see from now on (`Client.gone`). The session goes
   * on: what the client said before is still answered, and what the host is asked is still waited for.
   */
  peerClosed(): void {
    this.#state.peerClosed = true
  }

  /** The client is gone, and nothing is waited for any more. */
  disconnected(): void {
    if (!this.#state.closed) this.#state.end()
  }

  /** The replies since the last call, ASCII. */
  takeOutput(): string {
    return this.#state.queue.takeOutput()
  }

  /** False when there is nothing to be done before more input comes. */
  #step(): boolean {
    const dialogue = this.#state
    if (dialogue.closeIfDraining()) return true
    if (!this.#input.isEmpty && dialogue.yieldIfDue()) return true
    dialogue.mustWaitForReply = false
    if (!dialogue.reader.read(this.#input, dialogue)) {
      dialogue.endTurn()
      return false
    }
    this.#closeIfEarly()
    return true
  }

  /** Leaves a client that does not wait for a reply where it has to; what the host was asked is answered first. */
  #closeIfEarly(): void {
    const { settings, mustWaitForReply, queue } = this.#state
    if (!settings.strictPipelining || !mustWaitForReply || queue.isAwaitingAnswer || this.#input.isEmpty)
      return
    this.#state.close(replies.tooEarly)
  }

  /** A reply in the clear while the client speaks TLS already would only confuse it. */
  #closeWith(reply: Reply): void {
    const dialogue = this.#state
    if (dialogue.closed) return
    dialogue.close(dialogue.reader === handshakeReader ? undefined : reply)
  }
}
