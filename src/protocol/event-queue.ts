import { type Action, type Event, isQuestion, type Question } from './events.ts'
import { format, type Reply } from './reply.ts'

/** What the session does when the host has answered a question. */
export interface AnswerHandlers {
  /** The host accepts: update the state. The reply is sent afterwards. */
  onAccept?(): void
  /** The host refuses: send the reply. If left out, the refusal counts as an error of the client. */
  onReject?(reply: Reply): void
}

/** A question that waits for the host's answer. */
export interface PendingQuestion {
  readonly question: Question
  /** Sent if the host accepts without a reply of its own; `undefined` sends nothing. */
  readonly acceptReply: Reply | undefined
  readonly handlers: AnswerHandlers
}

/** A reply as it was sent, for drivers that report replies. */
export interface SentReply {
  /** Three digits. */
  readonly code: number
  /** The reply's key in the `replies` table; `undefined` for a reply that a host made. */
  readonly id: string | undefined
  /** All lines as sent, each with its CRLF. */
  readonly text: string
}

/**
 * Events and replies in the order in which they must come out, and the one question that waits for its answer. A reply
 * is not sent before the events ahead of it were taken.
 */
export class EventQueue {
  #queue: (Event | Reply)[] = []
  #pending: PendingQuestion | undefined
  #output = ''
  /** The replies in `#output`; absent if they need not be recorded. */
  #sent: SentReply[] | undefined

  /** @param recordReplies keep the replies for `takeReplies` */
  constructor(recordReplies: boolean) {
    if (recordReplies) this.#sent = []
  }

  /** True if no event waits to be taken and no question waits for its answer, so that input may be read. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#pending === undefined
  }

  /** True if the driver has taken a question and not answered it yet. */
  get isAwaitingAnswer(): boolean {
    return this.#pending !== undefined && !this.#queue.some(next => 'type' in next && isQuestion(next))
  }

  reply(reply: Reply): void {
    if (this.#queue.length === 0) this.#send(reply)
    else this.#queue.push(reply)
  }

  act(action: Action): void {
    this.#queue.push(action)
  }

  ask(pending: PendingQuestion): void {
    this.#pending = pending
    this.#queue.push(pending.question)
  }

  /** Removes and returns the pending question; `undefined` if there is none. */
  takePending(): PendingQuestion | undefined {
    const pending = this.#pending
    this.#pending = undefined
    return pending
  }

  /**
   * Ends the session: removes a question that was not taken yet and content that was not passed on yet. The answer to a
   * question that was taken is ignored.
   */
  cancelPending(): void {
    this.#pending = undefined
    this.#queue = this.#queue.flatMap(next => {
      if (!('type' in next)) return next
      // The host has received the message, and will not be asked to deliver it.
      if (next.type === 'delivery') return { type: 'discard' as const }
      return next.type === 'content' || isQuestion(next) ? [] : next
    })
  }

  /** Removes and returns the next event. Replies ahead of it become output. */
  next(): Event | undefined {
    for (;;) {
      const next = this.#queue.shift()
      if (next === undefined || 'type' in next) return next
      this.#send(next)
    }
  }

  /** Bytes of replies that the driver has not taken yet. */
  get outputBytes(): number {
    return this.#output.length
  }

  /** Returns the replies since the last call as one string. */
  takeOutput(): string {
    const output = this.#output
    this.#output = ''
    return output
  }

  /** Returns the replies since the last call one by one; empty if they are not recorded. */
  takeReplies(): readonly SentReply[] {
    const sent = this.#sent
    if (sent === undefined || sent.length === 0) return none
    this.#sent = []
    return sent
  }

  #send(reply: Reply): void {
    const text = format(reply)
    this.#output += text
    this.#sent?.push({ code: reply.code, id: reply.id, text })
  }
}

const none: readonly SentReply[] = []
