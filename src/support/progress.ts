import { type LineStream, TerminalLine } from './terminal-line.ts'

/** Milliseconds between two updates: looks alive and costs next to nothing. */
const everyMs = 200

/** How a progress is shown. */
export interface ProgressSettings {
  /** Milliseconds between lines if the stream is not a terminal. Left out: no lines. */
  readonly elsewhereMs?: number
  /** Milliseconds, as of `performance.now`. */
  readonly now?: () => number
}

/**
 * Shows the progress of a long run on one line of a terminal: count, rate, time left. Call `clear` before other output.
 */
export class Progress {
  readonly #stream: LineStream
  readonly #line: TerminalLine
  readonly #unit: string
  readonly #everyMs: number
  readonly #now: () => number
  readonly #beginMs: number
  #shownMs: number

  /** @param unit what is counted: `messages` */
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
   * Must be called after each step, however short.
   * @param share the part of the whole that is done, from 0 to 1
   * @param more text that is shown at the end of the line
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

  /** Clears the line, so that other output can follow. */
  clear(): void {
    this.#line.clear()
  }
}

/** Returns a duration as minutes and seconds, from an hour on with hours: `1:05`, `1:00:05`. */
export function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  const two = (number: number) => String(number).padStart(2, '0')
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`
}
