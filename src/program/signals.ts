/** What the signals of an operator ask for. */
export interface SignalHandlers {
  /** SIGHUP: read the certificate again. */
  reload(): void
  /** The first SIGTERM or SIGINT: let running mails finish. */
  stop(signal: NodeJS.Signals): void
  /** The second one: do not wait for them. */
  abort(): void
}

/** Obeys SIGHUP, SIGTERM and SIGINT from now on. */
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
