import { constants, openSync, writeSync } from 'node:fs'
import { Writable } from 'node:stream'
import type { LogStream } from './log-streams.ts'

/** A standard stream of the process. */
interface StandardStream extends LogStream {
  readonly fd: number
  readonly isTTY?: boolean
}

/** Milliseconds after which a write to a full terminal is tried again: the first time, and at most. */
const [firstRetryMs, maxRetryMs] = [5, 100]

/**
 * Returns a stream that writes to the same place and never blocks the event loop.
 *
 * Node.js writes to a terminal synchronously, so a terminal that is paused (Ctrl-S) or hangs (a lost ssh connection) stops
 * the whole process. Here the terminal is opened a second time, without blocking: the flag belongs to this file
 * descriptor only and does not affect other programs on the terminal. Text that the terminal does not take at once waits
 * in the stream's buffer. Any other stream is returned unchanged; so is a terminal that cannot be opened again, because
 * the system has no `/proc` or the terminal belongs to another user.
 */
export function nonBlocking(stream: StandardStream): LogStream {
  if (!stream.isTTY) return stream
  try {
    const { O_WRONLY, O_NOCTTY, O_NONBLOCK } = constants
    return terminalStream(openSync(`/proc/self/fd/${stream.fd}`, O_WRONLY | O_NOCTTY | O_NONBLOCK))
  } catch {
    return stream
  }
}

/** @param fd a terminal, opened with O_NONBLOCK */
function terminalStream(fd: number): Writable {
  const stream = new Writable({
    write(bytes: Buffer, _encoding, done) {
      let rest = bytes
      let retryMs = firstRetryMs
      const attempt = () => {
        try {
          while (rest.length > 0) {
            rest = rest.subarray(writeSync(fd, rest))
            retryMs = firstRetryMs
          }
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
            setTimeout(attempt, retryMs).unref()
            retryMs = Math.min(2 * retryMs, maxRetryMs)
            return
          }
          // The text is lost, but the stream stays usable: the terminal may take the next text.
          stream.emit('error', error)
        }
        done()
      }
      attempt()
    },
  })
  return stream
}
