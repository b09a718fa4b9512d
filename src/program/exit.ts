import type { StreamLogSink } from '../operations/index.ts'

/** Milliseconds that the log may take at least, even if `--drain-timeout` is over. */
const minFlushMs = 1_000

/**
 * Ends the process when all log lines were written. What is not written within `ms` milliseconds, or a second if that is
 * longer, is lost, and the other stream says so.
 */
export async function exitAfterFlush(sink: StreamLogSink, code: number, ms = minFlushMs): Promise<never> {
  await sink.flush(Math.max(ms, minFlushMs))
  process.exit(code)
}

/** Returns a function that returns the milliseconds that are left of `ms`; 0 when they are over. */
export function countdown(ms: number): () => number {
  const end = performance.now() + ms
  return () => Math.max(0, end - performance.now())
}
