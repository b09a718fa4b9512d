import type { WriteStream } from 'node:tty'

/** Often enough to be alive, seldom enough to cost nothing. */
const everyMs = 200

/** The part of a stream that is needed. */
export type ProgressStream = Pick<WriteStream, 'write'> & { readonly isTTY?: boolean }

/**
 * How far a long run has come, on one line of a terminal: count, rate, time left. Nothing where the stream is none.
 * What else is printed meanwhile needs `clear` before it.
 */
export class Progress {
  readonly #stream: ProgressStream
  readonly #unit: string
  readonly #now: () => number
  readonly #beginMs: number
  #shownMs: number
  #visible = false

  /**
   * @param unit what is counted: `mails`
   * @param now milliseconds, as of `performance.now`
   */
  constructor(stream: ProgressStream, unit: string, now = () => performance.now()) {
    this.#stream = stream
    this.#unit = unit
    this.#now = now
    this.#beginMs = this.#shownMs = now()
  }

  /**
   * To be called after each step, however short.
   * @param share how much of the whole is done, from 0 to 1
   * @param more what else is worth saying
   */
  show(done: number, share: number, more = ''): void {
    const nowMs = this.#now()
    if (!this.#stream.isTTY || nowMs - this.#shownMs < everyMs) return
    this.#shownMs = nowMs
    this.#visible = true
    const passedMs = nowMs - this.#beginMs
    const rate = (1000 * done) / passedMs
    const parts = [
      `${done} ${this.#unit} (${Math.floor(100 * Math.min(1, share))} %)`,
      `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} a second`,
      ...(share > 0 ? [`${clock((passedMs * Math.max(0, 1 - share)) / share)} left`] : []),
      ...(more === '' ? [] : [more]),
    ]
    this.#stream.write(`\r\x1b[K${parts.join(', ')}`)
  }

  /** Leaves the line empty for what comes now. */
  clear(): void {
    if (this.#visible) this.#stream.write('\r\x1b[K')
    this.#visible = false
  }
}

function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  const two = (number: number) => String(number).padStart(2, '0')
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`
}
