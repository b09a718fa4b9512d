import type { Dials } from './dials.ts'
import { type Metrics, openMetrics } from './metrics.ts'
import { type Check, Readiness } from './readiness.ts'
import type { Watcher } from './watcher.ts'

/** What an operator can ask a process that serves (`--admin`). */
export interface Instruments extends Required<Watcher> {
  readonly metrics: Metrics
  readonly readiness: Readiness
  /** The listeners are up. */
  serve(dials: Dials, check: Check | undefined): void
}

/** Begins to watch. @param relay the backend's name */
export async function openInstruments(relay: string): Promise<Instruments> {
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
