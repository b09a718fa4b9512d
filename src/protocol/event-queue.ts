import { type Action, type Event, isQuestion, type Question } from './events.ts'
import { format, type Reply } from './reply.ts'

/** What follows from the answer to a question. */
export interface AnswerHandlers {
  /** The host consents: commit the fact. Its reply is said afterwards. */
  onAccept?(): void
  /** The host refuses: say so. Without this, a refusal counts as an error of the client. */
  onReject?(reply: Reply): void
}

/** What has to be known when a question is answered. */
export interface PendingQuestion {
  /** Said when the host agrees without words of its own, if there is anything to say. */
  readonly acceptReply: Reply | undefined
  readonly handlers: AnswerHandlers
}

/** What waits to be said, done and asked, in its order, and the one question that waits for its answer. */
export class EventQueue {
  /** Events, and replies that must not be said before the events ahead of them were taken. */
  #queue: (Event | string)[] = []
  #pending: PendingQuestion | undefined
  #output = ''

  /** No event waits to be taken and no question waits for its answer: reading may go on. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#pending === undefined
  }

  /** The host was asked, and has not answered yet. */
  get isAwaitingAnswer(): boolean {
    return this.#pending !== undefined && this.#untaken < 0
  }

  reply(reply: Reply): void {
    if (this.#queue.length === 0) this.#output += format(reply)
    else this.#queue.push(format(reply))
  }

  act(notice: Action): void {
    this.#queue.push(notice)
  }

  ask(question: Question, asked: PendingQuestion): void {
    this.#pending = asked
    this.#queue.push(question)
  }

  /** The question is answered: what was to be known for that. */
  takePending(): PendingQuestion | undefined {
    const asked = this.#pending
    this.#pending = undefined
    return asked
  }

  /**
   * The session is over: a question that was not taken yet is not asked any more, content is not passed on any more, and
   * a pending answer will not be heard.
   */
  cancelPending(): void {
    this.#pending = undefined
    this.#queue = this.#queue.flatMap(next => {
      if (typeof next === 'string') return next
      // The host has begun the message, and now it will not be complete.
      if (next.type === 'delivery') return { type: 'discard' as const }
      return next.type === 'content' || isQuestion(next) ? [] : next
    })
  }

  /** The next event; replies ahead of it are said with that. */
  next(): Event | undefined {
    for (;;) {
      const next = this.#queue.shift()
      if (typeof next !== 'string') return next
      this.#output += next
    }
  }

  /** Bytes of replies that were not taken yet. */
  get outputBytes(): number {
    return this.#output.length
  }

  /** The replies that were said since the last call. */
  takeOutput(): string {
    const output = this.#output
    this.#output = ''
    return output
  }

  /** Where the question stands in the queue that nobody has taken yet; -1 if there is none. */
  get #untaken(): number {
    return this.#queue.findIndex(next => typeof next !== 'string' && isQuestion(next))
  }
}
