import type { EventHandler } from '../support/emit.ts'
import { combineHandlers, type RelayEvent } from './events.ts'
import type { GaugeSources } from './gauges.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { Readiness, type ReadinessCheck } from './readiness.ts'

/** Metrics and readiness of one process that serves (`--admin`). */
export interface Monitoring {
  readonly metrics: Metrics
  readonly readiness: Readiness
  readonly onEvent: EventHandler<RelayEvent>
  /** Must be called once the server listens. @param check the backend's own check, if it has one */
  listening(gauges: GaugeSources, check: ReadinessCheck | undefined): void
}

/**
 * Creates metrics and readiness of this process.
 * @param relay the name of the backend
 * @throws Error with a sentence for the operator if prom-client is not installed
 */
export async function createMonitoring(relay: string): Promise<Monitoring> {
  const metrics = await createMetrics(relay)
  const readiness = new Readiness()
  return {
    metrics,
    readiness,
    onEvent: combineHandlers([metrics.onEvent, readiness.onEvent]),
    listening(gauges, check) {
      metrics.addGauges(gauges)
      readiness.listening(check)
    },
  }
}
