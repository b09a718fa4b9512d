import type { Clock } from '../../src/support/clock.ts'

/** A clock for tests: time passes only when the test moves it. */
export class ManualClock implements Clock {
  #now = 0
  #sleepers: { readonly at: number; readonly wake: () => void }[] = []

  /** The number of pending sleeps. */
  get sleepers(): number {
    return this.#sleepers.length
  }

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(wake => {
      const sleeper = { at: this.#now + ms, wake }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter(other => other !== sleeper)
        wake()
      })
    })
  }

  /** Moves the time on by `ms`, and ends all sleeps that are due. */
  pass(ms: number): void {
    this.#now += ms
    const due = this.#sleepers.filter(({ at }) => at <= this.#now)
    this.#sleepers = this.#sleepers.filter(({ at }) => at > this.#now)
    for (const { wake } of due) wake()
  }
}
