/** One process that serves: the whole program, or one of several workers. */

import type { ListenAddress, Settings } from '../config/index.ts'
import { combineHandlers, type Monitoring, type RelayEvent } from '../operations/index.ts'
import { buildServer, type ServerParts } from '../server.ts'
import type { EventHandler } from '../support/emit.ts'
import { probeSourceAddress } from './health-probe.ts'

/** A server that listens on every address of the settings. */
export interface RunningServer extends ServerParts {
  /** The addresses with their real ports, which differ from the settings for port 0. */
  readonly listening: readonly ListenAddress[]
}

/**
 * Opens everything that the settings name, and listens.
 * @param onEvent called with everything that happens; connection events only if something needs them
 * @param monitoring counts events, if the operator wants `--admin`
 * @throws Error with a sentence for the operator
 */
export async function serve(
  settings: Settings,
  onEvent: EventHandler<RelayEvent>,
  monitoring?: Monitoring,
): Promise<RunningServer> {
  const parts = await buildServer(settings, {
    onEvent: monitoring === undefined ? onEvent : combineHandlers([onEvent, monitoring.onEvent]),
    connectionEvents: settings.verbose || monitoring !== undefined,
    isHealthProbe: address => address === probeSourceAddress,
  })
  const listening = []
  for (const address of settings.listen) {
    const { port } = await parts.listen(address)
    listening.push({ ...address, port })
  }
  monitoring?.listening(parts.gauges, parts.relay.check)
  return { ...parts, listening }
}

/**
 * Emits a notice if the backend's check fails. The program starts anyway: clients get 451 and keep their messages until the
 * operator has fixed the cause.
 */
export function warnIfUpstreamUnavailable(
  { relay: { check } }: ServerParts,
  onEvent: EventHandler<RelayEvent>,
): void {
  check?.().catch((error: Error) => {
    const text = `Backend check failed, mail will be answered 451 until this is fixed: ${error.message}`
    onEvent({ type: 'notice', text })
  })
}
