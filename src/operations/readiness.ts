import type { UpstreamCall } from '../relay/index.ts'
import type { EventHandler } from '../support/emit.ts'
import { clip } from '../support/escape.ts'
import { settlesWithin } from '../support/timeout.ts'
import type { RelayEvent } from './events.ts'

/** Failed calls in a row after which the backend counts as failing. */
const failureThreshold = 5
/** Milliseconds after the last failed call for which the backend counts as failing. After that, messages try it again. */
const failureWindowMs = 30_000
/** Milliseconds for which the result of a check is used. */
const checkCacheMs = 5_000
/** Milliseconds that a probe waits for a check. If the check takes longer, the previous result counts. */
const checkWaitMs = 500
/** Characters of an error that a reason shows. */
const maxErrorLength = 300

/** Resolves AWS region and credentials, for example; rejects with an `Error` for the operator. */
export type ReadinessCheck = () => Promise<unknown>

/**
 * Decides whether messages should be sent to this process: it listens, it is not shutting down, the backend's check
 * succeeds (AWS region and credentials are there), and the backend does not fail.
 *
 * The backend fails if the latest 5 calls or more all ended with an error that is not about the message, and the last one
 * did so in the past 30 s. A call that was accepted, or rejected because of its message, ends that. Throttling neither
 * counts nor ends it: the backend works, there are only too many messages.
 */
export class Readiness {
  readonly #now: () => number
  #state: 'starting' | 'listening' | 'draining' = 'starting'
  #check: ReadinessCheck | undefined
  #checking: Promise<void> | undefined
  #checkedAt = Number.NEGATIVE_INFINITY
  /** The error of the latest check; `undefined`: it succeeded. */
  #checkError: string | undefined = 'AWS credentials: not checked yet'
  #failures = 0
  #failedAt = 0

  /** @param now milliseconds on a monotonic clock */
  constructor(now = () => performance.now()) {
    this.#now = now
  }

  /** Must be called once all addresses listen. @param check left out if the backend has no check */
  listening(check?: ReadinessCheck): void {
    this.#check = check
    if (this.#state === 'starting') this.#state = 'listening'
  }

  /** Must be called when the process shuts down. */
  drain(): void {
    this.#state = 'draining'
  }

  /** Counts calls to the backend. */
  readonly onEvent: EventHandler<RelayEvent> = event => {
    if (event.type === 'call') this.#count(event.outcome)
  }

  /** Returns why the process is not ready, a line per reason; none if it is. Never rejects. Takes at most a second. */
  async notReadyReasons(): Promise<readonly string[]> {
    if (this.#state === 'starting') return ['not listening yet']
    const reasons = this.#state === 'draining' ? ['draining'] : []
    await this.#waitForCheck()
    if (this.#checkError !== undefined && this.#check !== undefined) reasons.push(this.#checkError)
    if (this.#failures >= failureThreshold && this.#now() - this.#failedAt < failureWindowMs) {
      reasons.push(`upstream: the latest ${this.#failures} calls failed`)
    }
    return reasons
  }

  #count(outcome: UpstreamCall['outcome']): void {
    if (outcome === 'temporary') {
      this.#failures++
      this.#failedAt = this.#now()
    } else if (outcome !== 'throttled') this.#failures = 0
  }

  /** Starts the check, unless one is running or its result is recent, and waits a little for the result. */
  async #waitForCheck(): Promise<void> {
    if (this.#check === undefined || this.#state === 'draining') return
    if (this.#checking === undefined && this.#now() - this.#checkedAt >= checkCacheMs) {
      this.#checking = this.#runCheck(this.#check).finally(() => {
        this.#checkedAt = this.#now()
        this.#checking = undefined
      })
    }
    if (this.#checking !== undefined) await settlesWithin(this.#checking, checkWaitMs)
  }

  async #runCheck(check: ReadinessCheck): Promise<void> {
    try {
      await check()
      this.#checkError = undefined
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this.#checkError = `AWS credentials: ${clip(text.replace(/[^ -~]+/g, ' '), maxErrorLength)}`
    }
  }
}
