import { type LineStream, TerminalLine } from './terminal-line.ts'

/** Often enough to be alive, seldom enough to cost nothing. */
const everyMs = 200

/** How a progress is shown. */
export interface ProgressSettings {
  /** Milliseconds between lines where the stream is no terminal; without it there are none. */
  readonly elsewhereMs?: number
  /** Milliseconds, as of `performance.now`. */
  readonly now?: () => number
}

/**
 * How far a long run has come, on one line of a terminal: count, rate, time left. What else is printed meanwhile needs
 * `clear` before it.
 */
export class Progress {
  readonly #stream: LineStream
  readonly #line: TerminalLine
  readonly #unit: string
  readonly #everyMs: number
  readonly #now: () => number
  readonly #beginMs: number
  #shownMs: number

  /** @param unit what is counted: `mails` */
  constructor(
    stream: LineStream,
    unit: string,
    { elsewhereMs = Number.POSITIVE_INFINITY, now = () => performance.now() }: ProgressSettings = {},
  ) {
    this.#stream = stream
    this.#line = new TerminalLine(stream)
    this.#unit = unit
    this.#everyMs = stream.isTTY ? everyMs : elsewhereMs
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
    if (nowMs - this.#shownMs < this.#everyMs) return
    this.#shownMs = nowMs
    const passedMs = nowMs - this.#beginMs
    const rate = (1000 * done) / passedMs
    const text = [
      `${done} ${this.#unit} (${Math.floor(100 * Math.min(1, share))} %)`,
      `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} a second`,
      ...(share > 0 ? [`${clock((passedMs * Math.max(0, 1 - share)) / share)} left`] : []),
      ...(more === '' ? [] : [more]),
    ].join(', ')
    if (this.#stream.isTTY) this.#line.show(text)
    else this.#stream.write(`${text}\n`)
  }

  /** Leaves the line empty for what comes now. */
  clear(): void {
    this.#line.clear()
  }
}

/** Minutes and seconds, behind hours where it is so long: `1:05`. */
export function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  const two = (number: number) => String(number).padStart(2, '0')
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`
}
