import { Agenda, type Outcome } from './agenda.ts'
import type { Notice, Path, Question, Transaction, Verdict } from './events.ts'
import { FailedLogins } from './failed-logins.ts'
import type { Client } from './host.ts'
import type { Incoming } from './incoming.ts'
import type { Mode } from './mode.ts'
import { replies } from './replies.ts'
import { type Reply, refuses } from './reply.ts'
import type { Settings } from './settings.ts'

/** A transaction that is still being built. */
export interface OpenTransaction extends Transaction {
  readonly sender: Path
  readonly recipients: Path[]
  /** The host refused a recipient. */
  refusedRecipient: boolean
  /** Its content, once that is coming. */
  incoming: Incoming | undefined
}

/** Bytes of memory that V8 takes for a path besides its address. */
const pathBytes = 96
/** Bytes of memory that V8 takes for a parameter, at most. */
const parameterBytes = 2_200
/** Bytes of replies after which a turn ends, whatever their number is: the client has to read them first. */
const turnOutputBytes = 4 * 1024

const closed: Mode = {
  read(input) {
    input.clear()
    return false
  },
}

/** The facts that client and server have established so far, the client's errors among them. */
export class Dialogue implements Client {
  readonly settings: Settings
  readonly address: string
  readonly healthCheck: boolean
  /** What waits to be said, done and asked. */
  readonly agenda = new Agenda()
  secure: boolean
  name: string | undefined
  extended = false
  user: string | undefined
  transaction: OpenTransaction | undefined
  /** The host refused the connection, and the client has not left yet. */
  unwelcome = false
  /** The host was asked to take a message, and has not answered yet. */
  isDelivering = false
  /** The host has taken a message from this client. */
  hasDelivered = false
  /** The client has closed its side of the connection. */
  peerClosed = false
  /** The client has to hear a reply before it says more (RFC 2920 section 3.1); at first that is the greeting. */
  awaited = true
  /** How the next bytes are read. */
  mode: Mode
  readonly #commands: Mode
  #errors = 0
  #idleCommands = 0
  #smallChunks = 0
  #refusals = 0
  /** Commands that were read since the latest `yield`, or since the input was used up. */
  #turn = 0
  #envelopeBytes = 0
  readonly #failedLogins = new FailedLogins()
  #retiring = false

  /** @param commands the mode in which commands are read */
  constructor(
    settings: Settings,
    peer: { readonly address: string; readonly secure: boolean; readonly healthCheck?: boolean },
    commands: Mode,
  ) {
    this.settings = settings
    this.address = peer.address
    this.healthCheck = peer.healthCheck ?? false
    this.secure = peer.secure
    this.mode = commands
    this.#commands = commands
  }

  get closed(): boolean {
    return this.mode === closed
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
    if (refuses(reply) && !this.closed && ++this.#refusals >= this.settings.limits.refusals)
      return this.close(replies.tooManyErrors)
    this.agenda.reply(reply)
  }

  /** Refuses: a 5xx is an error of the client, and one too many of them is the last. */
  fault(reply: Reply): void {
    if (reply.code < 500) return this.reply(reply)
    const { errors, promptErrors } = this.settings.limits
    if (++this.#errors >= errors) return this.close(replies.tooManyErrors)
    if (this.#errors > promptErrors) this.notify({ type: 'pause' })
    this.reply(reply)
  }

  /** Counts a command that moves no mail; beyond the limit it is an error, though it is obeyed. */
  countIdle(): void {
    if (++this.#idleCommands > this.settings.limits.idleCommands) this.#countError()
  }

  /** Counts a chunk of a few octets; beyond the limit it is an error, though it is read. */
  countSmallChunk(): void {
    if (++this.#smallChunks > this.settings.limits.smallChunks) this.#countError()
  }

  #countError(): void {
    if (++this.#errors >= this.settings.limits.errors) this.close(replies.tooManyErrors)
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
    if (this.#turn < turnCommands && this.agenda.outputBytes < turnOutputBytes) return false
    this.endTurn()
    this.notify({ type: 'yield' })
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
  loginFault(reply: Reply, mechanism: string, username: string): void {
    if (reply.code < 500) return this.reply(reply)
    const isNewAttempt = this.#failedLogins.add(mechanism, username)
    if (this.#failedLogins.attempts >= this.settings.limits.failedLogins) {
      return this.close(replies.tooManyLogins)
    }
    if (isNewAttempt) this.notify({ type: 'pause' })
    this.fault(reply)
  }

  /** Says a last reply, where one is possible, and closes. */
  close(farewell?: Reply): void {
    if (this.closed) return
    this.end()
    if (farewell !== undefined) this.reply(farewell)
    this.notify({ type: 'close' })
  }

  /** It is over: nothing more is read, and a pending answer will not be heard. */
  end(): void {
    this.dropTransaction()
    this.mode = closed
    this.agenda.withdraw()
  }

  /** Forgets the transaction, and the content that has come of it. */
  dropTransaction(): void {
    this.transaction?.incoming?.abandon(this)
    this.transaction = undefined
    this.#envelopeBytes = 0
  }

  /** All of the content has come: asks the host to take the mail, or refuses it. */
  finishMail(): void {
    const { incoming, ...transaction } = this.transaction!
    this.transaction = undefined
    incoming!.end(this)
    if (incoming!.refusal !== undefined) return this.fault(incoming!.refusal)
    this.isDelivering = true
    const answered = () => {
      this.isDelivering = false
      this.#envelopeBytes = 0
    }
    this.ask({ type: 'delivery', transaction, size: incoming!.size }, replies.delivered, {
      granted: () => {
        answered()
        this.hasDelivered = true
        this.#forgive()
      },
      refused: reply => {
        answered()
        this.reply(reply)
      },
    })
  }

  /** Puts a question to the host; `consent` is said when it agrees without words of its own, if there is anything to say. */
  ask(question: Question, consent: Reply | undefined, outcome: Outcome): void {
    this.agenda.ask(question, { consent, outcome })
  }

  answer(verdict: Verdict): void {
    const asked = this.agenda.takeAsked()
    if (asked === undefined) return
    const { consent, outcome } = asked
    if (verdict !== undefined && !isReply(verdict)) verdict = replies.localError
    if (verdict === undefined || !refuses(verdict)) {
      outcome.granted?.()
      if (consent !== undefined) {
        this.reply(verdict === undefined ? consent : { ...consent, ...words(verdict, consent) })
      }
    } else if (verdict.code === 421) this.close(verdict)
    else if (outcome.refused) outcome.refused(verdict)
    else this.fault(verdict)
  }

  notify(notice: Notice): void {
    this.agenda.notify(notice)
  }

  /** Commands are read again. */
  resume(): void {
    this.mode = this.#commands
  }

  /** TLS is up: what was said in the clear never happened (RFC 3207 section 4.2). */
  startOver(): void {
    this.secure = true
    this.name = undefined
    this.extended = false
    this.user = undefined
    this.dropTransaction()
    this.resume()
  }

  /** Says 421 as soon as nothing is under way. */
  retire(): void {
    this.#retiring = true
  }

  /** Leaves if it is to retire and nothing is under way. */
  leaveIfRetired(): boolean {
    if (!this.#retiring || !this.mode.isIdle || this.transaction !== undefined) return false
    this.close(replies.shuttingDown(this.settings.hostname))
    return true
  }

  /** A mail was accepted: earlier errors are forgiven, as long-lived connections gather a few. */
  #forgive(): void {
    this.#errors = 0
    this.#idleCommands = 0
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
