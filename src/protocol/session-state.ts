import { type AnswerHandlers, EventQueue } from './event-queue.ts'
import type { Action, HostReply, Path, Question, Transaction } from './events.ts'
import { FailedLogins } from './failed-logins.ts'
import type { Client } from './host.ts'
import type { MessageReceiver } from './message/message-receiver.ts'
import type { Reader } from './readers/reader.ts'
import { replies } from './replies.ts'
import { isFailure, type Reply } from './reply.ts'
import type { SessionSettings } from './settings.ts'

/** A transaction that is still being built. */
export interface OpenTransaction extends Transaction {
  readonly sender: Path
  readonly recipients: Path[]
  /** The host refused a recipient. */
  refusedRecipient: boolean
  /** Its content, once that is coming. */
  receiver: MessageReceiver | undefined
}

/** Bytes of memory that V8 takes for a path besides its address. */
const pathBytes = 96
/** Bytes of memory that V8 takes for a parameter, at most. */
const parameterBytes = 2_200
/** Bytes of replies after which a turn ends, whatever their number is: the client has to read them first. */
const turnOutputBytes = 4 * 1024

const closed: Reader = {
  read(input) {
    input.clear()
    return false
  },
}

/** The facts that client and server have established so far, the client's errors among them. */
export class SessionState implements Client {
  readonly settings: SessionSettings
  readonly address: string
  readonly healthCheck: boolean
  /** What waits to be said, done and asked. */
  readonly queue = new EventQueue()
  secure: boolean
  name: string | undefined
  extended = false
  user: string | undefined
  transaction: OpenTransaction | undefined
  /** The host refused the connection, and the client has not left yet. */
  connectionRefused = false
  /** The host was asked to take a message, and has not answered yet. */
  isDelivering = false
  /** The host has taken a message from this client. */
  hasDelivered = false
  /** The client has closed its side of the connection. */
  peerClosed = false
  /** The client has to hear a reply before it says more (RFC 2920 section 3.1); at first that is the greeting. */
  mustWaitForReply = true
  /** How the next bytes are read. */
  reader: Reader
  readonly #commandReader: Reader
  #errors = 0
  #junkCommands = 0
  #smallChunks = 0
  #refusals = 0
  /** Commands that were read since the latest `yield`, or since the input was used up. */
  #turn = 0
  #envelopeBytes = 0
  readonly #failedLogins = new FailedLogins()
  #draining = false

  /** @param commands the mode in which commands are read */
  constructor(
    settings: SessionSettings,
    peer: { readonly address: string; readonly secure: boolean; readonly healthCheck?: boolean },
    commands: Reader,
  ) {
    this.settings = settings
    this.address = peer.address
    this.healthCheck = peer.healthCheck ?? false
    this.secure = peer.secure
    this.reader = commands
    this.#commandReader = commands
  }

  get closed(): boolean {
    return this.reader === closed
  }

  get gone(): boolean {
    return this.peerClosed || this.closed
  }

  /** Bytes of memory that the envelope takes, estimated. */
  get envelopeBytes(): number {
    return this.#envelopeBytes
  }

  /** Says a reply. If it is one refusal too many, says `421 4.7.0` instead and closes. */
  reply(reply: Reply): void {
    if (isFailure(reply) && !this.closed && ++this.#refusals >= this.settings.limits.refusals)
      return this.close(replies.tooManyErrors)
    this.queue.reply(reply)
  }

  /** Refuses: a 5xx is an error of the client, and one too many of them is the last. */
  reject(reply: Reply): void {
    if (reply.code < 500) return this.reply(reply)
    const { hardErrorLimit, softErrorLimit } = this.settings.limits
    if (++this.#errors >= hardErrorLimit) return this.close(replies.tooManyErrors)
    if (this.#errors > softErrorLimit) this.act({ type: 'pause' })
    this.reply(reply)
  }

  /** Counts a command that moves no mail; beyond the limit it is an error, though it is obeyed. */
  countJunkCommand(): void {
    if (++this.#junkCommands > this.settings.limits.junkCommands) this.#countError()
  }

  /** Counts a chunk of a few octets; beyond the limit it is an error, though it is read. */
  countSmallChunk(): void {
    if (++this.#smallChunks > this.settings.limits.smallChunks) this.#countError()
  }

  #countError(): void {
    if (++this.#errors >= this.settings.limits.hardErrorLimit) this.close(replies.tooManyErrors)
  }

  /** Counts a command of this turn. */
  countCommand(): void {
    this.#turn++
  }

  /**
   * Gives other connections a turn, and returns true, if `turnCommands` commands were read in a row, or some and their
   * replies are many bytes.
   */
  yieldIfDue(): boolean {
    const { turnCommands } = this.settings.limits
    if (this.closed || this.#turn === 0) return false
    if (this.#turn < turnCommands && this.queue.outputBytes < turnOutputBytes) return false
    this.endTurn()
    this.act({ type: 'yield' })
    return true
  }

  /** Begins a new turn: the input is used up, so other connections have theirs meanwhile. */
  endTurn(): void {
    this.#turn = 0
  }

  /** Adds a path of the transaction to `envelopeBytes`. */
  countPath({ address, parameters }: Path): void {
    this.#envelopeBytes += pathBytes + address.length + parameters.size * parameterBytes
  }

  /** As `fault`, for a failed login. To slow down guessing, each attempt adds a pause, and there are few of them. */
  rejectLogin(reply: Reply, mechanism: string, username: string): void {
    if (reply.code < 500) return this.reply(reply)
    const isNewAttempt = this.#failedLogins.add(mechanism, username)
    if (this.#failedLogins.attempts >= this.settings.limits.authFailures) {
      return this.close(replies.tooManyLogins)
    }
    if (isNewAttempt) this.act({ type: 'pause' })
    this.reject(reply)
  }

  /** Says a last reply, where one is possible, and closes. */
  close(farewell?: Reply): void {
    if (this.closed) return
    this.end()
    if (farewell !== undefined) this.reply(farewell)
    this.act({ type: 'close' })
  }

  /** It is over: nothing more is read, and a pending answer will not be heard. */
  end(): void {
    this.dropTransaction()
    this.reader = closed
    this.queue.cancelPending()
  }

  /** Forgets the transaction, and the content that has come of it. */
  dropTransaction(): void {
    this.transaction?.receiver?.discard(this)
    this.transaction = undefined
    this.#envelopeBytes = 0
  }

  /** All of the content has come: asks the host to take the mail, or refuses it. */
  finishMessage(): void {
    const { receiver, ...transaction } = this.transaction!
    this.transaction = undefined
    receiver!.end(this)
    if (receiver!.refusal !== undefined) return this.reject(receiver!.refusal)
    this.isDelivering = true
    const answered = () => {
      this.isDelivering = false
      this.#envelopeBytes = 0
    }
    this.ask({ type: 'delivery', transaction, size: receiver!.size }, replies.delivered, {
      onAccept: () => {
        answered()
        this.hasDelivered = true
        this.#resetErrorCounters()
      },
      onReject: reply => {
        answered()
        this.reply(reply)
      },
    })
  }

  /** Puts a question to the host; `consent` is said when it agrees without words of its own, if there is anything to say. */
  ask(question: Question, acceptReply: Reply | undefined, handlers: AnswerHandlers): void {
    this.queue.ask(question, { acceptReply, handlers })
  }

  answer(verdict: HostReply): void {
    const asked = this.queue.takePending()
    if (asked === undefined) return
    const { acceptReply, handlers } = asked
    if (verdict !== undefined && !isReply(verdict)) verdict = replies.localError
    if (verdict === undefined || !isFailure(verdict)) {
      handlers.onAccept?.()
      if (acceptReply !== undefined) {
        this.reply(verdict === undefined ? acceptReply : { ...acceptReply, ...words(verdict, acceptReply) })
      }
    } else if (verdict.code === 421) this.close(verdict)
    else if (handlers.onReject) handlers.onReject(verdict)
    else this.reject(verdict)
  }

  act(notice: Action): void {
    this.queue.act(notice)
  }

  /** Commands are read again. */
  readCommands(): void {
    this.reader = this.#commandReader
  }

  /** TLS is up: what was said in the clear never happened (RFC 3207 section 4.2). */
  resetAfterTls(): void {
    this.secure = true
    this.name = undefined
    this.extended = false
    this.user = undefined
    this.dropTransaction()
    this.readCommands()
  }

  /** Says 421 as soon as nothing is under way. */
  drain(): void {
    this.#draining = true
  }

  /** Leaves if it is to retire and nothing is under way. */
  closeIfDraining(): boolean {
    if (!this.#draining || !this.reader.canCloseHere || this.transaction !== undefined) return false
    this.close(replies.shuttingDown(this.settings.hostname))
    return true
  }

  /** A mail was accepted: earlier errors are forgiven, as long-lived connections gather a few. */
  #resetErrorCounters(): void {
    this.#errors = 0
    this.#junkCommands = 0
    this.#smallChunks = 0
    this.#refusals = 0
  }
}

/** In a consent the words are the host's, but the code belongs to the command, and so does having a status code. */
function words({ text, status }: Reply, consent: Reply): Partial<Reply> {
  return consent.status === undefined || status === undefined ? { text } : { text, status }
}

function isReply({ code, status, text }: Reply): boolean {
  if (!Number.isInteger(code) || code < 200 || code >= 560) return false
  if (status !== undefined && !/^[245]\.\d{1,3}\.\d{1,3}$/.test(status)) return false
  if (status !== undefined && status[0] !== String(code)[0]) return false
  return typeof text === 'string' || (Array.isArray(text) && text.length > 0)
}
