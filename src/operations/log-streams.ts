import { faultText } from './log.ts'
import { jsonFormats, type LogFormat, type LogFormats } from './log-format.ts'

/** Where lines go: what went well, and what went wrong. A line comes with its newline. */
export interface LogSink {
  out(line: string): void
  err(line: string): void
  /** How lines of the log shall look there; left out: JSON. */
  readonly formats?: LogFormats
}

/** Writers whose lines may wait for a reader. */
export interface StreamLogSink extends LogSink {
  /** Resolves when every line was taken, or after a second. Never rejects. */
  flush(): Promise<void>
}

/** The part of a stream that a log needs. */
export interface LogStream {
  /** @param done called when the text and all before it were taken, or failed */
  write(text: string, done?: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  readonly writableLength?: number
}

/** Bytes of the log that wait for a reader that does not read. Beyond, lines are lost until half of them were taken. */
const maxBacklogBytes = 16 * 1024 * 1024
/** Milliseconds that the last lines may wait for their reader at the end of the process. */
const flushMs = 1_000

/**
 * Writes lines to two streams, usually the standard ones. A reader of the log that goes away (EPIPE) or does not read,
 * or a disk that is full, must not end the program in the middle of mails that AWS has taken and no client knows of:
 * the line is lost, mail goes on, and the other stream says so once. A reader that reads again is told how many lines it
 * has missed.
 */
export function createLogSink(out: LogStream, err: LogStream, formats = jsonFormats): StreamLogSink {
  return {
    out: writer(out, 'standard output', formats.out, err, formats.err),
    err: writer(err, 'standard error', formats.err, out, formats.out),
    formats,
    async flush() {
      const taken = [out, err].map(stream => new Promise<void>(resolve => stream.write('', resolve)))
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>(resolve => {
        timer = setTimeout(resolve, flushMs)
      })
      await Promise.race([Promise.all(taken), late])
      clearTimeout(timer)
    },
  }
}

function writer(
  stream: LogStream,
  name: string,
  look: LogFormat,
  other: LogStream,
  otherLook: LogFormat,
): (lines: string) => void {
  let warned = false
  let lost = 0
  const warn = (reason: string) => {
    if (warned) return
    warned = true
    other.write(faultText(`${name}: ${reason}`, otherLook))
  }
  stream.on('error', (error: Error) => warn(error.message))
  return lines => {
    const waiting = stream.writableLength ?? 0
    if (waiting >= (lost > 0 ? maxBacklogBytes / 2 : maxBacklogBytes)) {
      lost += count(lines)
      return warn('its reader does not read, lines are lost')
    }
    if (lost > 0)
      stream.write(faultText(`${lost} lines of the log were lost here: nothing read them in time`, look))
    lost = 0
    stream.write(lines)
  }
}

function count(lines: string): number {
  return lines.split('\n').length - 1
}
