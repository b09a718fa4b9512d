import type { Clock } from '../../src/relay/clock.ts'

/** A clock for tests: once nothing else can go on, it jumps to where the next sleeper wakes. */
export class FastClock implements Clock {
  /** Every sleep that was asked for, in milliseconds. */
  readonly sleeps: number[] = []
  #now = 0
  #sleepers: { readonly at: number; readonly wake: () => void }[] = []

  now(): number {
    return this.#now
  }

  /** Lets time pass while nobody sleeps. */
  pass(ms: number): void {
    this.#now += ms
  }

  sleep(ms: number): Promise<void> {
    this.sleeps.push(ms)
    return new Promise(wake => {
      this.#sleepers.push({ at: this.#now + ms, wake })
      if (this.#sleepers.length === 1) setImmediate(() => this.#jump())
    })
  }

  #jump(): void {
    this.#sleepers.sort((a, b) => a.at - b.at)
    const next = this.#sleepers.shift()!
    this.#now = Math.max(this.#now, next.at)
    next.wake()
    if (this.#sleepers.length > 0) setImmediate(() => this.#jump())
  }
}
