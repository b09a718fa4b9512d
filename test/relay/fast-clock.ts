import type { Clock } from '../../src/support/clock.ts'

/** A clock for tests: when no promise can continue, time jumps to the next timer. */
export class FastClock implements Clock {
  /** Every requested sleep, in milliseconds. */
  readonly sleeps: number[] = []
  #now = 0
  #sleepers: { readonly at: number; readonly wake: () => void }[] = []
  #jumping = false

  now(): number {
    return this.#now
  }

  /** Lets time pass without timers. */
  pass(ms: number): void {
    this.#now += ms
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps.push(ms)
    return new Promise(wake => {
      const sleeper = { at: this.#now + ms, wake }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter(other => other !== sleeper)
        wake()
      })
      if (!this.#jumping) this.#wait()
    })
  }

  #wait(): void {
    this.#jumping = this.#sleepers.length > 0
    if (this.#jumping) setImmediate(() => this.#jump())
  }

  #jump(): void {
    this.#sleepers.sort((a, b) => a.at - b.at)
    const next = this.#sleepers.shift()
    if (next) {
      this.#now = Math.max(this.#now, next.at)
      next.wake()
    }
    this.#wait()
  }
}
