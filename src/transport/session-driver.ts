import {
  type Host,
  isFailure,
  type MessageSink,
  type Question,
  type Reply,
  replies,
  type Session,
} from '../protocol/index.ts'
import type { TurnQueue } from './turn-queue.ts'

/** Why a conductor halts: for the host's answer, for more input, to start TLS, to close. */
export type Blocked = 'host' | 'input' | 'upgrade' | 'close'

/** What a conductor is told besides the session and the host. */
export interface DriverOptions {
  /** Milliseconds that the host has for an answer: `451 4.4.1`. */
  readonly hostMs: number
  /** Milliseconds that the session pauses where it asks for that. */
  readonly errorDelayMs: number
  /** Where the session waits for its next turn. */
  readonly turns: TurnQueue
  /** The host has answered after a while, or the pause is over: `run` can go on. */
  readonly onAnswer: () => void
  /** What the host threw or rejected with; the client hears `451 4.3.0`. */
  readonly onFault: ((fault: unknown) => void) | undefined
}

/** Puts a session's questions to a host and carries the content to its sink, waiting only where the host must. */
export class SessionDriver {
  readonly #session: Session
  readonly #host: Host
  readonly #options: DriverOptions
  /** Where the content of the mail that is coming goes. */
  #sink: MessageSink | undefined
  /** Which answer is waited for; one that comes to an earlier wait is too late to be heard. */
  #wait = 0
  #waiting = false
  /** Ends the wait for an answer, or a pause. */
  #timer: NodeJS.Timeout | undefined
  #halt: Blocked = 'input'

  constructor(session: Session, host: Host, conduct: DriverOptions) {
    this.#session = session
    this.#host = host
    this.#options = conduct
  }

  /** The session waits: for the host's answer, for the end of a pause, or while other connections have a turn. */
  get waiting(): boolean {
    return this.#waiting
  }

  /** Goes on as far as possible, and says what is needed then. */
  run(): Blocked {
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
          this.#dispatch(event)
      }
    }
    return 'host'
  }

  /** TLS is up, as `upgrade` asked for. */
  tlsEstablished(): void {
    this.#halt = 'input'
    this.#session.tlsEstablished()
  }

  /** Waits for the host no longer, and lets its answer go unheard. */
  abandonWait(): void {
    clearTimeout(this.#timer)
    this.#wait++
    this.#waiting = false
  }

  #dispatch(question: Question): void {
    const { client } = this.#session
    const answer = (reply: Reply | undefined) => this.#session.answer(reply)
    switch (question.type) {
      case 'connect':
        return this.#call(() => this.#host.connect?.(client), answer, answer)
      case 'login':
        return this.#call(() => this.#host.login?.(question, client), answer, answer)
      case 'sender':
        return this.#call(() => this.#host.sender?.(question, client), answer, answer)
      case 'recipient':
        return this.#call(() => this.#host.recipient?.(question, client), answer, answer)
      case 'message': {
        const open = (sink: MessageSink | Reply) => {
          if ('code' in sink) {
            if (isFailure(sink)) return answer(sink)
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
        return this.#call(() => this.#host.message(question.transaction, client), open, answer, tooLate)
      }
      case 'delivery': {
        const sink = this.#sink
        this.#sink = undefined
        // There is none if its `write` failed, which was reported then.
        return this.#call(() => (sink === undefined ? replies.localError : sink.deliver()), answer, answer)
      }
    }
  }

  /** Waits, as for a host that has nothing to say. */
  #pause(): void {
    this.#waiting = true
    this.#timer = setTimeout(() => {
      this.abandonWait()
      this.#options.onAnswer()
    }, this.#options.errorDelayMs)
  }

  /** Goes on after other connections had a turn. */
  #yield(): void {
    this.#waiting = true
    const wait = ++this.#wait
    this.#options.turns.add(() => {
      if (wait !== this.#wait) return
      this.abandonWait()
      this.#options.onAnswer()
    })
  }

  #write(bytes: Buffer): void {
    const failed = () => this.#discard()
    this.#call(() => this.#sink?.write(bytes), nothing, failed)
  }

  #discard(): void {
    const sink = this.#sink
    this.#sink = undefined
    this.#call(() => sink?.discard(), nothing, nothing)
  }

  /**
   * Asks the host. An answer that is no promise is heard at once, without a turn of the event loop.
   * @param failed hears the reply that takes the place of an answer that never came
   * @param tooLate hears an answer that nobody waits for any more
   */
  #call<T>(
    question: () => T | Promise<T>,
    heard: (answer: T) => void,
    failed: (reply: Reply) => void,
    tooLate: (answer: T) => void = nothing,
  ): void {
    const { hostMs, onAnswer, onFault } = this.#options
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
      this.abandonWait()
      try {
        outcome()
      } catch (fault) {
        fail(fault)
      }
      onAnswer()
      return true
    }
    this.#timer = setTimeout(() => {
      onFault?.(new Error(`The host did not answer within ${hostMs} ms`))
      settle(() => failed(replies.noAnswer))
    }, hostMs)
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
