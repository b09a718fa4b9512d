import { settlesWithin } from '../support/timeout.ts'
import { errorLine, jsonFormats, type LogFormat, type LogFormats } from './log-format.ts'

/** Takes log lines: `out` those of successes, `err` all others. Each line includes its newline. */
export interface LogSink {
  out(line: string): void
  err(line: string): void
  /** The format of each stream; JSON if left out. */
  readonly formats?: LogFormats
}

/** A log sink whose lines may wait for a reader. */
export interface StreamLogSink extends LogSink {
  /**
   * Resolves when all lines were taken, or after `ms` milliseconds. Lines that are lost by then are reported on the other
   * stream with their count. Never rejects.
   */
  flush(ms: number): Promise<void>
}

/** The part of a stream that a log needs. */
export interface LogStream {
  /** @param done called when the text and everything before it were taken, or failed */
  write(text: string, done?: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  readonly writableLength?: number
}

/** Bytes of log lines that may wait for a reader. Beyond this, lines are dropped until half of it was taken. */
const maxBacklogBytes = 16 * 1024 * 1024
/** Milliseconds that the report of lost lines may take at the end of the process. */
const reportMs = 200

/**
 * Returns a sink that writes to two streams, usually stdout and stderr. Never throws and never blocks.
 *
 * A reader of the log may close its end (EPIPE) or stop reading, or a disk may be full. That must not end the process in
 * the middle of messages that AWS has taken and no client knows of: the line is lost, messages are still served, and the
 * other stream reports it once. A reader that continues is told how many lines it has missed.
 */
export function createLogSink(out: LogStream, err: LogStream, formats = jsonFormats): StreamLogSink {
  const stdout = new LineWriter('stdout', out, formats.out, text => err.write(errorLine(text, formats.err)))
  const stderr = new LineWriter('stderr', err, formats.err, text => out.write(errorLine(text, formats.out)))
  const writers = [stdout, stderr]
  const taken = async () => {
    await Promise.all(writers.map(writer => writer.taken()))
  }
  return {
    out: lines => stdout.write(lines),
    err: lines => stderr.write(lines),
    formats,
    async flush(ms) {
      await settlesWithin(taken(), ms)
      const reports = writers.map(writer => writer.reportLost())
      if (reports.includes(true)) await settlesWithin(taken(), reportMs)
    },
  }
}

/** Writes lines to one stream, and counts those that were not taken. */
class LineWriter {
  readonly #name: string
  readonly #stream: LogStream
  readonly #format: LogFormat
  readonly #report: (text: string) => void
  #reported = false
  /** Lines that were dropped since the reader stopped reading. */
  #dropped = 0
  /** Lines that the stream has not taken yet. */
  #waiting = 0

  /** @param report writes a sentence to the other stream */
  constructor(name: string, stream: LogStream, format: LogFormat, report: (text: string) => void) {
    this.#name = name
    this.#stream = stream
    this.#format = format
    this.#report = report
    stream.on('error', (error: Error) => this.#reportOnce(`${name}: ${error.message}`))
  }

  /** Writes whole lines, or drops them if too many wait already. */
  write(lines: string): void {
    const backlog = this.#stream.writableLength ?? 0
    if (backlog >= (this.#dropped > 0 ? maxBacklogBytes / 2 : maxBacklogBytes)) {
      this.#dropped += count(lines)
      return this.#reportOnce(`${this.#name} is not being read; dropping log lines`)
    }
    if (this.#dropped > 0) {
      const text = `${this.#dropped} log lines were lost here, because ${this.#name} was not being read`
      this.#stream.write(errorLine(text, this.#format))
    }
    this.#dropped = 0
    const waiting = count(lines)
    this.#waiting += waiting
    this.#stream.write(lines, () => {
      this.#waiting -= waiting
    })
  }

  /** Resolves when the stream has taken, or refused, everything that was written so far. */
  taken(): Promise<void> {
    return new Promise(resolve => this.#stream.write('', () => resolve()))
  }

  /** Reports the lines that are lost if the process ends now. Returns whether there are any. */
  reportLost(): boolean {
    const lost = this.#dropped + this.#waiting
    // The stream takes several lines at once, so a reader may have got some of those that count as waiting.
    if (lost > 0)
      this.#report(`${this.#name} is not being read; up to ${lost} log lines were lost at the end`)
    return lost > 0
  }

  #reportOnce(text: string): void {
    if (this.#reported) return
    this.#reported = true
    this.#report(text)
  }
}

/** Returns the number of lines; nearly always there is one. */
function count(lines: string): number {
  return lines.indexOf('\n') === lines.length - 1 ? 1 : lines.split('\n').length - 1
}
