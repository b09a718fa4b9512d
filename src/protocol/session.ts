import { Dialogue } from './dialogue.ts'
import type { Event, Verdict } from './events.ts'
import type { Client } from './host.ts'
import { Input } from './input.ts'
import { commandMode } from './modes/commands.ts'
import { handshakeMode } from './modes/handshake.ts'
import { replies } from './replies.ts'
import type { Reply } from './reply.ts'
import type { Settings } from './settings.ts'

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
  readonly #input = new Input()
  readonly #dialogue: Dialogue

  constructor(settings: Settings, peer: Peer) {
    const dialogue = new Dialogue(settings, peer, commandMode)
    this.#dialogue = dialogue
    dialogue.ask({ type: 'connect' }, replies.greeting(settings.hostname, settings.service), {
      refused: reply => {
        // A greeting can say "later" with 421 only (RFC 5321 section 4.3.2).
        if (reply.code < 500) return dialogue.close({ ...reply, code: 421 })
        dialogue.unwelcome = true
        dialogue.reply(reply)
      },
    })
  }

  /** What is known of the client; it changes as the dialogue goes on. */
  get client(): Client {
    return this.#dialogue
  }

  /** The content of a mail is coming, whether it is wanted or dropped. */
  get receivesContent(): boolean {
    return this.#dialogue.transaction?.incoming !== undefined
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
    return this.#input.heldBytes + this.#dialogue.envelopeBytes
  }

  /** The host has a whole message from this client, and has not answered yet. */
  get isDelivering(): boolean {
    return this.#dialogue.isDelivering
  }

  /** The client has logged in, or the host has taken a message from it. */
  get isKnown(): boolean {
    return this.#dialogue.user !== undefined || this.#dialogue.hasDelivered
  }

  /** Takes bytes from the client. They are not copied and must not change any more. */
  receive(bytes: Buffer): void {
    this.#input.add(bytes)
    this.#leaveIfEarly()
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
    const dialogue = this.#dialogue
    let event: Event | undefined
    do event = dialogue.agenda.next()
    while (event === undefined && dialogue.agenda.free && this.#step())
    return event
  }

  /** Answers the latest question; without a verdict the host consents. */
  answer(verdict?: Verdict): void {
    this.#dialogue.answer(verdict)
    this.#leaveIfEarly()
  }

  /** TLS is up, as `upgrade` asked for: everything that was said in the clear is forgotten. */
  secured(): void {
    if (this.#dialogue.mode !== handshakeMode) return
    this.#input.clear()
    this.#dialogue.startOver()
  }

  /** The client was silent for too long. */
  expire(): void {
    this.#leave(replies.silentTooLong(this.#dialogue.settings.hostname))
  }

  /** The server shuts down: says 421 as soon as no mail is under way. */
  shutDown(): void {
    this.#dialogue.retire()
  }

  /** The server cannot wait any longer: says 421 whatever is under way. */
  cutOff(): void {
    this.#leave(replies.shuttingDown(this.#dialogue.settings.hostname))
  }

  /** Says 421 and closes, whatever is under way: the server has no room for this connection any more. */
  shed(): void {
    this.#leave(replies.overloaded(this.#dialogue.settings.hostname))
  }

  /**
   * The client has closed its side of the connection, which the host can see from now on (`Client.gone`). The session goes
   * on: what the client said before is still answered, and what the host is asked is still waited for.
   */
  peerClosed(): void {
    this.#dialogue.peerClosed = true
  }

  /** The client is gone, and nothing is waited for any more. */
  hangUp(): void {
    if (!this.#dialogue.closed) this.#dialogue.end()
  }

  /** The replies since the last call, ASCII. */
  takeOutput(): string {
    return this.#dialogue.agenda.takeOutput()
  }

  /** False when there is nothing to be done before more input comes. */
  #step(): boolean {
    const dialogue = this.#dialogue
    if (dialogue.leaveIfRetired()) return true
    if (!this.#input.isEmpty && dialogue.yieldIfDue()) return true
    dialogue.awaited = false
    if (!dialogue.mode.read(this.#input, dialogue)) {
      dialogue.endTurn()
      return false
    }
    this.#leaveIfEarly()
    return true
  }

  /** Leaves a client that does not wait for a reply where it has to; what the host was asked is answered first. */
  #leaveIfEarly(): void {
    const { settings, awaited, agenda } = this.#dialogue
    if (!settings.strictPipelining || !awaited || agenda.asking || this.#input.isEmpty) return
    this.#dialogue.close(replies.tooEarly)
  }

  /** A reply in the clear while the client speaks TLS already would only confuse it. */
  #leave(reply: Reply): void {
    const dialogue = this.#dialogue
    if (dialogue.closed) return
    dialogue.close(dialogue.mode === handshakeMode ? undefined : reply)
  }
}
