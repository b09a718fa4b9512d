import type { AdminHandlers } from '../../operations/admin.ts'
import { buildInfoMetrics, renderMetrics } from '../../operations/build-info.ts'
import { MetricsAggregator, type Snapshot } from '../../operations/metrics-aggregate.ts'
import { version } from '../../support/version.ts'
import type { StatusRequest, WorkerStatus } from './messages.ts'
import type { WorkerProcess } from './worker-process.ts'

/** Health and metrics of all workers together. A single worker that hangs is no failure: it is replaced. */
export interface ClusterStatus extends Required<AdminHandlers> {
  /** A worker has started in the slot of this number. */
  add(worker: WorkerProcess, slotNumber: number): void
  /** Must be called when the program shuts down. */
  drain(): void
}

/**
 * Loads prom-client.
 * @param slots the number of workers that should run
 * @param relay the name of the backend
 */
export async function createClusterStatus(slots: number, relay: string): Promise<ClusterStatus> {
  /** By the number of the slot. */
  const workers = new Map<number, WorkerProcess>()
  const aggregator = await MetricsAggregator.create()
  let started = false
  let draining = false
  let up = 0
  let ready = false
  const buildInfo = await buildInfoMetrics({
    version: version(),
    relay,
    isReady: () => ready,
    workers: () => ({ up, missing: slots - up }),
  })

  type Statuses = readonly (readonly [WorkerProcess, WorkerStatus | undefined])[]

  /** Asks all workers. The status of a worker that does not answer in time is `undefined`. */
  async function inspect(request: StatusRequest): Promise<Statuses> {
    const statuses = await Promise.all(
      [...workers.values()].map(async worker => [worker, await worker.inspect(request)] as const),
    )
    // A worker that has ended meanwhile is in the counts of those that have ended.
    return statuses.filter(([worker]) => [...workers.values()].includes(worker))
  }

  function reasonsOf(statuses: Statuses): readonly string[] {
    const answered = statuses.flatMap(([, status]) => status ?? [])
    const missing = slots - answered.length
    return [
      ...(missing > 0 ? [`workers: ${missing} of ${slots} do not answer`] : []),
      // Usually all workers have the same reasons.
      ...new Set(answered.flatMap(({ reasons }) => reasons)),
    ]
  }

  return {
    add(worker, slotNumber) {
      started = true
      workers.set(slotNumber, worker)
      void worker.ended.then(() => {
        if (workers.get(slotNumber) === worker) workers.delete(slotNumber)
        aggregator.end(worker)
      })
    },
    drain() {
      draining = true
    },
    failures() {
      const anyAnswers = [...workers.values()].some(worker => !worker.isSilent)
      return started && !anyAnswers ? [`workers: none of ${slots} answers`] : []
    },
    // While the program drains, no worker needs to be asked.
    notReadyReasons: async () => (draining ? ['draining'] : reasonsOf(await inspect({ metrics: false }))),
    async metrics() {
      const statuses = await inspect({ metrics: true })
      up = statuses.filter(([, status]) => status !== undefined).length
      ready = !draining && reasonsOf(statuses).length === 0
      const snapshots = new Map<object, Snapshot | undefined>(
        statuses.map(([worker, status]) => [worker, status?.metrics]),
      )
      return renderMetrics(buildInfo, aggregator.sum(snapshots))
    },
  }
}
