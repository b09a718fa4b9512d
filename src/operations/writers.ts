import { faultText } from './log.ts'
import { jsonLooks, type Look, type Looks } from './look.ts'

/** Where lines go: what went well, and what went wrong. A line comes with its newline. */
export interface Writers {
  out(line: string): void
  err(line: string): void
  /** How lines of the log shall look there; left out: JSON. */
  readonly looks?: Looks
}

/** The part of a stream that a log needs. */
export type LogStream = Pick<NodeJS.WritableStream, 'write' | 'on'> & { readonly writableLength?: number }

/** Bytes of the log that wait for a reader who does not read; beyond, lines are lost. */
const maxBacklogBytes = 16 * 1024 * 1024

/**
 * Writes lines to two streams, usually the standard ones. A reader of the log that goes away (EPIPE) or does not read,
 * or a disk that is full, must not end the program in the middle of mails that AWS has taken and no client knows of:
 * the line is lost, mail goes on, and the other stream says so once.
 */
export function streamWriters(out: LogStream, err: LogStream, looks = jsonLooks): Writers {
  return {
    out: writer(out, 'standard output', err, looks.err),
    err: writer(err, 'standard error', out, looks.out),
    looks,
  }
}

function writer(stream: LogStream, name: string, other: LogStream, otherLook: Look): (line: string) => void {
  let warned = false
  const warn = (reason: string) => {
    if (warned) return
    warned = true
    other.write(faultText(`${name}: ${reason}`, otherLook))
  }
  stream.on('error', (error: Error) => warn(error.message))
  return line => {
    if ((stream.writableLength ?? 0) < maxBacklogBytes) stream.write(line)
    else warn('nobody reads it, lines are lost')
  }
}
