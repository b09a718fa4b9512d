import {
  type Host,
  type MessageSink,
  type Question,
  type Reply,
  refuses,
  replies,
  type Session,
} from '../protocol/index.ts'
import type { TurnQueue } from './turn-queue.ts'

/** Why a conductor halts: for the host's answer, for more input, to start TLS, to close. */
export type Halt = 'host' | 'input' | 'upgrade' | 'close'

/** What a conductor is told besides the session and the host. */
export interface Conduct {
  /** Milliseconds that the host has for an answer: `451 4.4.1`. */
  readonly answerMs: number
  /** Milliseconds that the session pauses where it asks for that. */
  readonly pauseMs: number
  /** Where the session waits for its next turn. */
  readonly turns: TurnQueue
  /** The host has answered after a while, or the pause is over: `run` can go on. */
  readonly onAnswer: () => void
  /** What the host threw or rejected with; the client hears `451 4.3.0`. */
  readonly onFault: ((fault: unknown) => void) | undefined
}

/** Puts a session's questions to a host and carries the content to its sink, waiting only where the host must. */
export class Conductor {
  readonly #session: Session
  readonly #host: Host
  readonly #conduct: Conduct
  /** Where the content of the mail that is coming goes. */
  #sink: MessageSink | undefined
  /** Which answer is waited for; one that comes to an earlier wait is too late to be heard. */
  #wait = 0
  #waiting = false
  /** Ends the wait for an answer, or a pause. */
  #timer: NodeJS.Timeout | undefined
  #halt: Halt = 'input'

  constructor(session: Session, host: Host, conduct: Conduct) {
    this.#session = session
    this.#host = host
    this.#conduct = conduct
  }

  /** The session waits: for the host's answer, for the end of a pause, or while other connections have a turn. */
  get waiting(): boolean {
    return this.#waiting
  }

  /** Goes on as far as possible, and says what is needed then. */
  run(): Halt {
    while (!this.#waiting) {
      const event = this.#session.next()
      if (event === undefined) return this.#halt
      switch (event.type) {
        case 'content':
          this.#write(event.bytes)
          break
        case 'discard':
          this.#discard()
          break
        case 'pause':
          this.#pause()
          break
        case 'yield':
          this.#yield()
          break
        case 'upgrade':
        case 'close':
          this.#halt = event.type
          break
        default:
          this.#put(event)
      }
    }
    return 'host'
  }

  /** TLS is up, as `upgrade` asked for. */
  secured(): void {
    this.#halt = 'input'
    this.#session.secured()
  }

  /** Waits for the host no longer, and lets its answer go unheard. */
  forsake(): void {
    clearTimeout(this.#timer)
    this.#wait++
    this.#waiting = false
  }

  #put(question: Question): void {
    const { client } = this.#session
    const answer = (reply: Reply | undefined) => this.#session.answer(reply)
    switch (question.type) {
      case 'connect':
        return this.#ask(() => this.#host.connect?.(client), answer, answer)
      case 'login':
        return this.#ask(() => this.#host.login?.(question, client), answer, answer)
      case 'sender':
        return this.#ask(() => this.#host.sender?.(question, client), answer, answer)
      case 'recipient':
        return this.#ask(() => this.#host.recipient?.(question, client), answer, answer)
      case 'message': {
        const open = (sink: MessageSink | Reply) => {
          if ('code' in sink) {
            if (refuses(sink)) return answer(sink)
            throw new TypeError(
              'A host answered `message` with a reply that neither refuses nor takes the mail',
            )
          }
          this.#sink = sink
          answer(undefined)
        }
        const tooLate = (sink: MessageSink | Reply) => {
          if (!('code' in sink)) sink.discard()
        }
        return this.#ask(() => this.#host.message(question.transaction, client), open, answer, tooLate)
      }
      case 'delivery': {
        const sink = this.#sink
        this.#sink = undefined
        // There is none if its `write` failed, which was reported then.
        return this.#ask(() => (sink === undefined ? replies.localError : sink.deliver()), answer, answer)
      }
    }
  }

  /** Waits, as for a host that has nothing to say. */
  #pause(): void {
    this.#waiting = true
    this.#timer = setTimeout(() => {
      this.forsake()
      this.#conduct.onAnswer()
    }, this.#conduct.pauseMs)
  }

  /** Goes on after other connections had a turn. */
  #yield(): void {
    this.#waiting = true
    const wait = ++this.#wait
    this.#conduct.turns.add(() => {
      if (wait !== this.#wait) return
      this.forsake()
      this.#conduct.onAnswer()
    })
  }

  #write(bytes: Buffer): void {
    const failed = () => this.#discard()
    this.#ask(() => this.#sink?.write(bytes), nothing, failed)
  }

  #discard(): void {
    const sink = this.#sink
    this.#sink = undefined
    this.#ask(() => sink?.discard(), nothing, nothing)
  }

  /**
   * Asks the host. An answer that is no promise is heard at once, without a turn of the event loop.
   * @param failed hears the reply that takes the place of an answer that never came
   * @param tooLate hears an answer that nobody waits for any more
   */
  #ask<T>(
    question: () => T | Promise<T>,
    heard: (answer: T) => void,
    failed: (reply: Reply) => void,
    tooLate: (answer: T) => void = nothing,
  ): void {
    const { answerMs, onAnswer, onFault } = this.#conduct
    const fail = (fault: unknown) => {
      onFault?.(fault)
      failed(replies.localError)
    }
    let pending: Promise<T>
    try {
      const answer = question()
      if (!isPromise(answer)) return heard(answer)
      pending = answer
    } catch (fault) {
      return fail(fault)
    }
    this.#waiting = true
    const wait = ++this.#wait
    /** True when `wait` was still on: `outcome` then decides how the session goes on. */
    const settle = (outcome: () => void) => {
      if (wait !== this.#wait) return false
      this.forsake()
      try {
        outcome()
      } catch (fault) {
        fail(fault)
      }
      onAnswer()
      return true
    }
    this.#timer = setTimeout(() => {
      onFault?.(new Error(`The host did not answer within ${answerMs} ms`))
      settle(() => failed(replies.noAnswer))
    }, answerMs)
    pending
      .then(
        answer => settle(() => heard(answer)) || tooLate(answer),
        fault => settle(() => fail(fault)) || onFault?.(fault),
      )
      .catch(fault => onFault?.(fault))
  }
}

function nothing(): void {}

function isPromise<T>(answer: T | Promise<T>): answer is Promise<T> {
  return typeof (answer as Promise<T> | undefined)?.then === 'function'
}
