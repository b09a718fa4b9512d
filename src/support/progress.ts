import { type LineStream, TerminalLine } from './terminal-line.ts'

/** Milliseconds between updates on a terminal. Drawing more often would slow the run down. */
const everyMs = 200

/** How progress is shown. */
export interface ProgressSettings {
  /** Milliseconds between lines if the stream is not a terminal. No lines are written if left out. */
  readonly elsewhereMs?: number
  /** Milliseconds on a clock that never goes back; `performance.now` if left out. */
  readonly now?: () => number
}

/**
 * Shows the progress of a long run on one line of a terminal: count, rate, time left. Call `clear` before anything else
 * is printed.
 */
export class Progress {
  readonly #stream: LineStream
  readonly #line: TerminalLine
  readonly #unit: string
  readonly #everyMs: number
  readonly #now: () => number
  readonly #beginMs: number
  #shownMs: number

  /** @param unit what is counted, for example `messages` */
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
   * Updates the line if enough time has passed. Call it after each step, however short.
   * @param share how much of the whole is done, from 0 to 1
   * @param more text that is added at the end of the line
   */
  show(done: number, share: number, more = ''): void {
    const nowMs = this.#now()
    if (nowMs - this.#shownMs < this.#everyMs) return
    this.#shownMs = nowMs
    const elapsedMs = nowMs - this.#beginMs
    const rate = (1000 * done) / elapsedMs
    const text = [
      `${done} ${this.#unit} (${Math.floor(100 * Math.min(1, share))} %)`,
      `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} a second`,
      ...(share > 0 ? [`${clock((elapsedMs * Math.max(0, 1 - share)) / share)} left`] : []),
      ...(more === '' ? [] : [more]),
    ].join(', ')
    if (this.#stream.isTTY) this.#line.show(text)
    else this.#stream.write(`${text}\n`)
  }

  /** Erases the line. */
  clear(): void {
    this.#line.clear()
  }
}

/** Formats a duration as minutes and seconds, with hours if there are any: `1:05`, `2:00:30`. */
export function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  const two = (number: number) => String(number).padStart(2, '0')
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`
}
