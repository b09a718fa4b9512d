import type { EventHandlers } from './event-handlers.ts'
import type { GaugeSources } from './gauges.ts'
import { type Metrics, openMetrics } from './metrics.ts'
import { type Check, Readiness } from './readiness.ts'

/** What an operator can ask a process that serves (`--admin`). */
export interface Monitoring extends Required<EventHandlers> {
  readonly metrics: Metrics
  readonly readiness: Readiness
  /** The listeners are up. */
  serve(dials: GaugeSources, check: Check | undefined): void
}

/** Begins to watch. @param relay the backend's name */
export async function createMonitoring(relay: string): Promise<Monitoring> {
  const metrics = await openMetrics(relay)
  const readiness = new Readiness()
  return {
    metrics,
    readiness,
    traffic: metrics.traffic,
    access: metrics.access,
    mail(event) {
      metrics.mail(event)
      readiness.mail(event)
    },
    serve(dials, check) {
      metrics.show(dials)
      readiness.serve(check)
    },
  }
}
