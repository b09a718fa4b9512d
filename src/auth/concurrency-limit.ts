/** Lets a number of pieces of work run at once; the others wait, first come, first served, as far as there is room. */
export class ConcurrencyLimit {
  #free: number
  readonly #room: number
  readonly #waiting: (() => void)[] = []

  /**
   * @param places pieces of work that run at once
   * @param room pieces of work that wait
   */
  constructor(places: number, room: number) {
    this.#free = places
    this.#room = room
  }

  /** Does the work when its turn has come, and gives what comes of it. Rejects at once where too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else if (this.#waiting.length >= this.#room) throw new Error(`${this.#room} others wait already`)
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}
