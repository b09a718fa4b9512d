import {
  type Host,
  isFailure,
  type MessageSink,
  type Question,
  type Reply,
  replies,
  type Session,
  type SessionCloseReason,
} from '../protocol/index.ts'
import type { TurnQueue } from './turn-queue.ts'

/** What a driver waits for: the host's answer, more input, the start of TLS, or the close of the connection. */
export type Blocked = 'host' | 'input' | 'upgrade' | 'close'

/** Options of a driver. */
export interface DriverOptions {
  /** Milliseconds that the host may take for an answer. Beyond: `451 4.4.1`. */
  readonly hostMs: number
  /** Milliseconds of a `pause`. */
  readonly errorDelayMs: number
  /** Runs the session again after a `yield`. */
  readonly turns: TurnQueue
  /** Called when a wait is over, for a promise of the host or a pause, so that `run` can go on. */
  readonly onAnswer: () => void
  /** Called with what the host threw or rejected with. The client gets `451 4.3.0`. */
  readonly onError: ((error: unknown) => void) | undefined
}

/**
 * Passes a session's questions to a host and its content to the host's sink. Waits only while the host returns a
 * promise.
 */
export class SessionDriver {
  readonly #session: Session
  readonly #host: Host
  readonly #options: DriverOptions
  /** Takes the content of the current message. */
  #sink: MessageSink | undefined
  /** Number of the current wait. An answer to an earlier one is too late. */
  #wait = 0
  #waiting = false
  /** Ends a wait for the host, or a pause. */
  #timer: NodeJS.Timeout | undefined
  #blocked: Blocked = 'input'
  #closeReason: SessionCloseReason | undefined

  constructor(session: Session, host: Host, options: DriverOptions) {
    this.#session = session
    this.#host = host
    this.#options = options
  }

  /** True while the session waits for the host, for the end of a pause, or while other connections run. */
  get waiting(): boolean {
    return this.#waiting
  }

  /** Why the session closes the connection; undefined if it does not yet. */
  get closeReason(): SessionCloseReason | undefined {
    return this.#closeReason
  }

  /** Runs the session until it has to wait. Returns what it waits for. */
  run(): Blocked {
    while (!this.#waiting) {
      const event = this.#session.next()
      if (event === undefined) return this.#blocked
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
          this.#blocked = 'upgrade'
          break
        case 'close':
          this.#blocked = 'close'
          this.#closeReason = event.reason
          break
        default:
          this.#dispatch(event)
      }
    }
    return 'host'
  }

  /** TLS is up, as `upgrade` asked for. */
  tlsEstablished(): void {
    this.#blocked = 'input'
    this.#session.tlsEstablished()
  }

  /** Stops waiting. A late answer is ignored. */
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
              'The host answered `message` with a reply that is neither a refusal nor a sink',
            )
          }
          this.#sink = sink
          answer(undefined)
        }
        const onLateAnswer = (sink: MessageSink | Reply) => {
          if (!('code' in sink)) sink.discard()
        }
        return this.#call(() => this.#host.message(question.transaction, client), open, answer, onLateAnswer)
      }
      case 'delivery': {
        const sink = this.#sink
        this.#sink = undefined
        // There is no sink if its `write` failed, which was reported then.
        return this.#call(() => (sink === undefined ? replies.localError : sink.deliver()), answer, answer)
      }
    }
  }

  /** Waits for `errorDelayMs`. */
  #pause(): void {
    this.#waiting = true
    this.#timer = setTimeout(() => {
      this.abandonWait()
      this.#options.onAnswer()
    }, this.#options.errorDelayMs)
  }

  /** Waits until other connections have run. */
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
   * Calls the host. If it returns no promise, the answer is taken at once, in the same turn of the event loop.
   * @param onResult takes the answer
   * @param onFailure takes the reply in place of an answer, after an error or a timeout
   * @param onLateAnswer takes an answer that comes when the session waits for it no longer
   */
  #call<T>(
    ask: () => T | Promise<T>,
    onResult: (answer: T) => void,
    onFailure: (reply: Reply) => void,
    onLateAnswer: (answer: T) => void = nothing,
  ): void {
    const { hostMs, onAnswer, onError } = this.#options
    const fail = (error: unknown) => {
      onError?.(error)
      onFailure(replies.localError)
    }
    let pending: Promise<T>
    try {
      const answer = ask()
      if (!isPromise(answer)) return onResult(answer)
      pending = answer
    } catch (error) {
      return fail(error)
    }
    this.#waiting = true
    const wait = ++this.#wait
    /** Ends this wait and calls `next`. Returns false if the wait was over before. */
    const settle = (next: () => void) => {
      if (wait !== this.#wait) return false
      this.abandonWait()
      try {
        next()
      } catch (error) {
        fail(error)
      }
      onAnswer()
      return true
    }
    this.#timer = setTimeout(() => {
      onError?.(new Error(`The host did not answer within ${hostMs} ms`))
      settle(() => onFailure(replies.noAnswer))
    }, hostMs)
    pending
      .then(
        answer => settle(() => onResult(answer)) || onLateAnswer(answer),
        error => settle(() => fail(error)) || onError?.(error),
      )
      .catch(error => onError?.(error))
  }
}

function nothing(): void {}

function isPromise<T>(answer: T | Promise<T>): answer is Promise<T> {
  return typeof (answer as Promise<T> | undefined)?.then === 'function'
}
