/** What the program does on signals. */
export interface SignalHandlers {
  /** SIGHUP: reload the certificate. */
  reload(): void
  /** The first SIGTERM or SIGINT: shut down, but let messages in flight finish. */
  stop(signal: NodeJS.Signals): void
  /** The second SIGTERM or SIGINT: exit at once. */
  abort(): void
}

/** Handles SIGHUP, SIGTERM and SIGINT from now on. */
export function handleSignals({ reload, stop, abort }: SignalHandlers): void {
  process.on('SIGHUP', reload)
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return abort()
      stopping = true
      stop(signal)
    })
  }
}
