/**
 * The state of one session, and every change of it.
 *
 * Theory of operation. A session is in one of these states, which is the `Reader` that reads its next bytes:
 *
 *     reader          reads                     goes to
 *     commandReader   command lines             any other state, by a command
 *     AuthReader      responses to challenges   commandReader, after credentials or an error
 *     DataReader      content up to CRLF.CRLF   commandReader, at the end of the content
 *     BdatReader      one chunk of octets       commandReader, at the end of the chunk
 *     handshakeReader nothing                   commandReader, when TLS is up
 *     closed          nothing                   nothing
 *
 * Every state goes to `closed` when the client sends QUIT, breaks a rule that ends the session or leaves, and when the
 * server or the host ends the session.
 *
 * Beside the reader there are facts, each set in one place. HELO and EHLO set `name` and `extended`, and drop the
 * transaction. AUTH sets `user`. MAIL opens the `transaction`; RCPT adds recipients; DATA or the first BDAT sets its
 * `receiver`. The transaction ends with the end of the content, RSET, HELO, EHLO, TLS or the session. TLS resets name and
 * user, too. A command's preconditions (commands/preconditions.ts) say which facts it needs.
 *
 * A command has three steps: check the preconditions and the syntax, ask the host, and change the state when the host
 * accepts. Between the second and the third nothing is read, so a fact that was checked still holds.
 *
 * Commands set readers, and the reader of commands executes commands. So the folders `commands` and `readers` import each
 * other, as the two halves of one state machine. Their files have no circle of imports.
 */

import { ErrorCounters } from './error-counters.ts'
import { type AnswerHandlers, EventQueue } from './event-queue.ts'
import type { Action, HostReply, Path, Question, SessionCloseReason, Transaction } from './events.ts'
import { FailedLogins } from './failed-logins.ts'
import type { Client } from './host.ts'
import type { InputBuffer } from './input-buffer.ts'
import type { MessageReceiver, Received } from './message/message-receiver.ts'
import { replies } from './replies.ts'
import { isFailure, type Reply } from './reply.ts'
import type { SessionSettings } from './settings.ts'

/** Reads the next bytes of a session in one of its states. */
export interface Reader {
  /** Reads one step; false if more input is needed. Called only if no event and no question is pending. */
  read(input: InputBuffer, state: SessionState): boolean
  /** In this state a session that drains may close without losing anything. */
  readonly canCloseHere?: true
}

/** A transaction that is still being built. */
export interface OpenTransaction extends Transaction {
  readonly sender: Path
  readonly recipients: Path[]
  /** The host has refused a recipient. */
  hasRefusedRecipient: boolean
  /** Receives the content, from the moment it may come. */
  receiver: MessageReceiver | undefined
}

/** What is known about the client when it connects. */
export interface Peer {
  /** IP address, without port, brackets or zone. */
  readonly address: string
  /** TLS is up before the first byte (RFC 8314 section 3.3). */
  readonly secure: boolean
  /** The connection is a load balancer's health check. */
  readonly healthCheck?: boolean
}

/** Bytes of memory that V8 takes for a path besides its address. */
const pathBytes = 96
/** Bytes of memory that V8 takes for a parameter, at most. */
const parameterBytes = 2_200
/** Bytes of replies after which a turn ends, however few they are: the client has to read them first. */
const turnOutputBytes = 4 * 1024

const closed: Reader = {
  read(input) {
    input.clear()
    return false
  },
}

/** The state of one session. Commands and readers change it with these methods. */
export class SessionState implements Client {
  readonly settings: SessionSettings
  readonly address: string
  readonly healthCheck: boolean
  /** Events and replies that have not come out yet. */
  readonly queue: EventQueue
  secure: boolean
  name: string | undefined
  extended = false
  user: string | undefined
  transaction: OpenTransaction | undefined
  /** The host has refused the connection; the client may only send QUIT. */
  connectionRefused = false
  /** The host was asked to accept a message, and has not answered yet. */
  isDelivering = false
  /** The host has accepted a message from this client. */
  hasDelivered = false
  /** The client has closed its side of the connection. */
  peerClosed = false
  /** The client must wait for a reply before it sends more (RFC 2920 section 3.1). The first one is the greeting. */
  mustWaitForReply = true
  /** Reads the next bytes. */
  reader: Reader
  readonly #commandReader: Reader
  readonly #counters: ErrorCounters
  /** Commands read since the latest `yield`, or since the input was used up. */
  #turnCommands = 0
  #envelopeBytes = 0
  readonly #failedLogins = new FailedLogins()
  #draining = false

  /**
   * @param commandReader the first reader, to which the others return
   * @param recordReplies keep replies for `EventQueue.takeReplies`
   */
  constructor(settings: SessionSettings, peer: Peer, commandReader: Reader, recordReplies: boolean) {
    this.settings = settings
    this.address = peer.address
    this.healthCheck = peer.healthCheck ?? false
    this.secure = peer.secure
    this.queue = new EventQueue(recordReplies)
    this.#counters = new ErrorCounters(settings.limits)
    this.reader = commandReader
    this.#commandReader = commandReader
  }

  get closed(): boolean {
    return this.reader === closed
  }

  get gone(): boolean {
    return this.peerClosed || this.closed
  }

  /** Estimated bytes of memory that the envelope takes. */
  get envelopeBytes(): number {
    return this.#envelopeBytes
  }

  /** Sends a reply. A failure counts as a refusal; the one that reaches the limit is `421 4.7.0` instead and closes. */
  reply(reply: Reply): void {
    if (isFailure(reply) && !this.closed && this.#counters.countRefusal()) return this.#closeForErrors()
    this.queue.reply(reply)
  }

  /** Sends a failure. A 5xx counts as an error of the client; the one that reaches the limit closes. */
  reject(reply: Reply): void {
    if (reply.code < 500) return this.reply(reply)
    const consequence = this.#counters.countError()
    if (consequence === 'close') return this.#closeForErrors()
    if (consequence === 'pause') this.act({ type: 'pause' })
    this.reply(reply)
  }

  /**
   * Sends the reply that refuses a message. It counts once, although each chunk gets it: as an error of the client,
   * or as a refusal if the host made it. The number of chunks is limited by their octets and by `smallChunks`.
   */
  rejectMessage(receiver: MessageReceiver): void {
    const reply = receiver.refusal!
    if (receiver.isRefusalCounted) return this.queue.reply(reply)
    receiver.isRefusalCounted = true
    if (receiver.refusedByHost) this.reply(reply)
    else this.reject(reply)
  }

  /** Counts a command that moves no message. Beyond the limit it is an error, but it is executed. */
  countJunkCommand(): void {
    if (this.#counters.countJunkCommand()) this.#closeForErrors()
  }

  /** Counts a chunk of a few octets. Beyond the limit it is an error, but it is read. */
  countSmallChunk(): void {
    if (this.#counters.countSmallChunk()) this.#closeForErrors()
  }

  #closeForErrors(): void {
    this.close('errors', replies.tooManyErrors)
  }

  /** Counts a command of this turn. */
  countCommand(): void {
    this.#turnCommands++
  }

  /**
   * Lets other connections run, and returns true, if `turnCommands` commands were read in a row, or fewer and their
   * replies are many bytes.
   */
  yieldIfDue(): boolean {
    const { turnCommands } = this.settings.limits
    if (this.closed || this.#turnCommands === 0) return false
    if (this.#turnCommands < turnCommands && this.queue.outputBytes < turnOutputBytes) return false
    this.endTurn()
    this.act({ type: 'yield' })
    return true
  }

  /** Starts a new turn. Called when the input is used up, because other connections run then. */
  endTurn(): void {
    this.#turnCommands = 0
  }

  /** Adds a path of the transaction to `envelopeBytes`. */
  countPath({ address, parameters }: Path): void {
    this.#envelopeBytes += pathBytes + address.length + parameters.size * parameterBytes
  }

  /**
   * Rejects a failed login, as `reject` does. Each attempt adds a pause and their number is limited, against
   * guessing.
   */
  rejectLogin(reply: Reply, mechanism: string, username: string): void {
    if (reply.code < 500) return this.reply(reply)
    const isNewAttempt = this.#failedLogins.add(mechanism, username)
    if (this.#failedLogins.attempts >= this.settings.limits.authFailures) {
      return this.close('errors', replies.tooManyLogins)
    }
    if (isNewAttempt) this.act({ type: 'pause' })
    this.reject(reply)
  }

  /** Closes the connection. @param lastReply sent before that, if one can be sent */
  close(reason: SessionCloseReason, lastReply?: Reply): void {
    if (this.closed) return
    this.end()
    if (lastReply !== undefined) this.reply(lastReply)
    this.act({ type: 'close', reason: this.connectionRefused ? 'refused' : reason })
  }

  /** Ends the session: further input is discarded, and the answer to a pending question is ignored. */
  end(): void {
    this.dropTransaction()
    this.reader = closed
    this.queue.cancelPending()
  }

  /** Drops the transaction, and the content that has come of it. */
  dropTransaction(): void {
    const receiver = this.transaction?.receiver
    if (receiver !== undefined && receiver.refusal === undefined) this.act({ type: 'discard' })
    this.transaction = undefined
    this.#envelopeBytes = 0
  }

  /** Passes received content on to the host. Closes the connection if it is too much. */
  passOn({ content, discard, tooMuch }: Received): void {
    if (tooMuch !== undefined) return this.close('errors', tooMuch)
    if (content.length > 0) this.act({ type: 'content', bytes: content })
    if (discard) this.act({ type: 'discard' })
  }

  /** All of the content has come: asks the host to accept the message, or refuses it. */
  finishMessage(): void {
    const { receiver, ...transaction } = this.transaction!
    this.transaction = undefined
    this.passOn(receiver!.end())
    if (receiver!.refusal !== undefined) return this.rejectMessage(receiver!)
    this.isDelivering = true
    const answered = () => {
      this.isDelivering = false
      this.#envelopeBytes = 0
    }
    this.ask({ type: 'delivery', transaction, size: receiver!.size }, replies.delivered, {
      onAccept: () => {
        answered()
        this.hasDelivered = true
        this.#counters.reset()
      },
      onReject: reply => {
        answered()
        this.reply(reply)
      },
    })
  }

  /**
   * Asks the host.
   * @param acceptReply sent if the host accepts without a reply of its own; `undefined` sends nothing
   */
  ask(question: Question, acceptReply: Reply | undefined, handlers: AnswerHandlers): void {
    this.queue.ask({ question, acceptReply, handlers })
  }

  /** Takes the host's answer to the pending question. Ignored if there is none. */
  answer(answer: HostReply): void {
    const pending = this.queue.takePending()
    if (pending === undefined) return
    const { question, acceptReply, handlers } = pending
    if (answer !== undefined && !isReply(answer)) answer = replies.localError
    if (answer === undefined || !isFailure(answer)) {
      handlers.onAccept?.()
      if (acceptReply !== undefined) {
        this.reply(answer === undefined ? acceptReply : { ...acceptReply, ...textOf(answer, acceptReply) })
      }
    } else if (answer.code === 421) this.close(question.type === 'connect' ? 'refused' : 'host', answer)
    else if (handlers.onReject) handlers.onReject(answer)
    else this.reject(answer)
  }

  act(action: Action): void {
    this.queue.act(action)
  }

  /** Goes back to reading commands. */
  readCommands(): void {
    this.reader = this.#commandReader
  }

  /** Forgets everything that the client sent in plaintext (RFC 3207 section 4.2). */
  resetAfterTls(): void {
    this.secure = true
    this.name = undefined
    this.extended = false
    this.user = undefined
    this.dropTransaction()
    this.readCommands()
  }

  /** Closes with 421 as soon as no message is being received. */
  drain(): void {
    this.#draining = true
  }

  /** Closes, and returns true, if the session drains and no message is being received. */
  closeIfDraining(): boolean {
    if (!this.#draining || !this.reader.canCloseHere || this.transaction !== undefined) return false
    this.close('shutdown', replies.shuttingDown(this.settings.hostname))
    return true
  }
}

/**
 * What a host's reply changes in the reply that accepts: text and status code, but not the code and not whether it
 * has one.
 */
function textOf({ text, status }: Reply, acceptReply: Reply): Partial<Reply> {
  return acceptReply.status === undefined || status === undefined ? { text } : { text, status }
}

/** True for a reply that can be sent; hosts written in JavaScript are not type-checked. */
function isReply({ code, status, text }: Reply): boolean {
  if (!Number.isInteger(code) || code < 200 || code >= 560) return false
  if (status !== undefined && !/^[245]\.\d{1,3}\.\d{1,3}$/.test(status)) return false
  if (status !== undefined && status[0] !== String(code)[0]) return false
  return typeof text === 'string' || (Array.isArray(text) && text.length > 0)
}
