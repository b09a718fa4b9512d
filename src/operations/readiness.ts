import type { UpstreamCall } from '../relay/index.ts'
import { settlesWithin } from '../support/timeout.ts'
import type { EventHandlers } from './event-handlers.ts'

/** So many calls in a row have to fail. */
const failureThreshold = 5
/** So long ago the latest of them may be; then the backend is to be tried again, by mail that comes in. */
const failureWindowMs = 30_000
/** How long what a check has found is believed. */
const checkCacheMs = 5_000
/** How long a probe waits for a check; what the one before has found counts where it takes longer. */
const checkMs = 500

/** Looks for region and credentials; rejects with an `Error` for the operator. */
export type Check = () => Promise<unknown>

/**
 * Says whether mail should come here: the process listens and is not about to end, region and credentials are there, and
 * the backend does not fail.
 *
 * The backend fails when the latest 5 calls, or more, all ended with an error that is no judgement on the mail, and the
 * last one did so in the past 30 s. A call that was accepted, or refused for the mail's own sake, ends that. Throttling
 * is neither: the backend is well, there is only too much mail.
 */
export class Readiness implements Pick<EventHandlers, 'mail'> {
  readonly #now: () => number
  #state: 'starting' | 'serving' | 'draining' = 'starting'
  #check: Check | undefined
  #checking: Promise<void> | undefined
  #checkedAt = Number.NEGATIVE_INFINITY
  /** What the latest check had to object; `undefined`: nothing. */
  #objection: string | undefined = 'region and credentials: not looked for yet'
  #failures = 0
  #failedAt = 0

  /** @param now milliseconds on a clock that never goes back */
  constructor(now = () => performance.now()) {
    this.#now = now
  }

  /** All listeners are up. @param check absent where nothing has to be looked for */
  serve(check?: Check): void {
    this.#check = check
    if (this.#state === 'starting') this.#state = 'serving'
  }

  /** The process is about to end. */
  drain(): void {
    this.#state = 'draining'
  }

  readonly mail: NonNullable<EventHandlers['mail']> = event => {
    if (event.type === 'call') this.#count(event.outcome)
  }

  /** Why no mail should come, a line each; none where it should. Never rejects, and answers within a second. */
  async notReadyReasons(): Promise<readonly string[]> {
    if (this.#state === 'starting') return ['not listening yet']
    const reasons = this.#state === 'draining' ? ['draining'] : []
    await this.#runCheck()
    if (this.#objection !== undefined && this.#check !== undefined) reasons.push(this.#objection)
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

  /** Looks for region and credentials, unless that was done a moment ago or goes on, and waits a little. */
  async #runCheck(): Promise<void> {
    if (this.#check === undefined || this.#state === 'draining') return
    if (this.#checking === undefined && this.#now() - this.#checkedAt >= checkCacheMs) {
      this.#checking = this.#run(this.#check).finally(() => {
        this.#checkedAt = this.#now()
        this.#checking = undefined
      })
    }
    if (this.#checking !== undefined) await settlesWithin(this.#checking, checkMs)
  }

  async #run(check: Check): Promise<void> {
    try {
      await check()
      this.#objection = undefined
    } catch (error) {
      this.#objection = `region and credentials: ${oneLine(error)}`
    }
  }
}

function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/[^ -~]+/g, ' ').slice(0, 300)
}
