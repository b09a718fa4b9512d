import type { WriteStream } from 'node:tty'

/** Often enough to be alive, seldom enough to cost nothing. */
const everyMs = 200

/** How far a long run has come, on one line of a terminal; nothing where the stream is none. */
export class Progress {
  readonly #stream: WriteStream
  readonly #total: number
  readonly #beginMs = performance.now()
  #done = 0
  #differing = 0
  #shownMs = 0

  constructor(stream: WriteStream, total: number) {
    this.#stream = stream
    this.#total = total
  }

  add(type: string): void {
    this.#done += 1
    if (type === 'differs') this.#differing += 1
    const nowMs = performance.now()
    if (!this.#stream.isTTY || nowMs - this.#shownMs < everyMs) return
    this.#shownMs = nowMs
    const rate = Math.round((1000 * this.#done) / (nowMs - this.#beginMs))
    this.#stream.write(`\r\x1b[K${this.#done} of ${this.#total}, ${rate} a second, ${this.#differing} differ`)
  }

  /** Leaves the line empty for the report. */
  end(): void {
    if (this.#stream.isTTY && this.#shownMs > 0) this.#stream.write('\r\x1b[K')
  }
}
