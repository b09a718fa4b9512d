import type { Clock } from '../../src/support/clock.ts'

/** A clock for tests. When no other code can run, it jumps to the time at which the next sleeper wakes. */
export class FastClock implements Clock {
  /** The duration of each sleep, in milliseconds. */
  readonly sleeps: number[] = []
  #now = 0
  #sleepers: { readonly at: number; readonly wake: () => void }[] = []
  #jumping = false

  now(): number {
    return this.#now
  }

  /** Moves the time forward without waking a sleeper. */
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
