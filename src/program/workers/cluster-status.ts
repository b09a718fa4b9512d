import { buildInfoMetrics, renderMetrics } from '../../operations/build-info.ts'
import { MetricsAggregator, type Snapshot } from '../../operations/metrics-aggregate.ts'
import type { StatusRequest, WorkerStatus } from './messages.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What an operator sees of all workers together. */
export interface ClusterStatus {
  /** A worker has taken the seat of this number. */
  add(worker: WorkerProcess, seatNumber: number): void
  /** The program is about to end. */
  drain(): void
  /** Reasons to restart the program, a line each: no worker answers. A single worker that hangs is replaced anyway. */
  failures(): readonly string[]
  /** Why no mail should come here, a line each; none where each worker is ready. */
  notReadyReasons(): Promise<readonly string[]>
  /** The sum of the metrics of all workers. */
  metrics(): Promise<string>
}

/** @param seats how many workers there should be */
export async function createClusterStatus(
  seats: number,
  version: string,
  relay: string,
): Promise<ClusterStatus> {
  /** By seat; one that was left is empty. */
  const living = new Map<number, WorkerProcess>()
  const sum = await MetricsAggregator.begin()
  let begun = false
  let draining = false
  let up = 0
  let ready = false
  const status = await buildInfoMetrics({
    version,
    relay,
    isReady: () => ready,
    workers: () => ({ up, missing: seats - up }),
  })

  async function inspect(
    wanted: StatusRequest,
  ): Promise<readonly (readonly [WorkerProcess, WorkerStatus | undefined])[]> {
    const asked = [...living.values()].map(async worker => [worker, await worker.inspect(wanted)] as const)
    const sights = await Promise.all(asked)
    // Who has ended meanwhile was added to those that have.
    return sights.filter(([worker]) => [...living.values()].includes(worker))
  }

  function reasonsOf(
    sights: readonly (readonly [WorkerProcess, WorkerStatus | undefined])[],
  ): readonly string[] {
    if (draining) return ['draining']
    const answered = sights.flatMap(([, sight]) => sight ?? [])
    const missing = seats - answered.length
    return [
      ...(missing > 0 ? [`workers: ${missing} of ${seats} do not answer`] : []),
      // Most of them see the same.
      ...new Set(answered.flatMap(({ reasons }) => reasons)),
    ]
  }

  return {
    add(worker, seatNumber) {
      begun = true
      living.set(seatNumber, worker)
      void worker.ended.then(() => {
        if (living.get(seatNumber) === worker) living.delete(seatNumber)
        sum.end(worker)
      })
    },
    drain() {
      draining = true
    },
    failures() {
      const anyAnswers = [...living.values()].some(worker => !worker.isSilent)
      return begun && !anyAnswers ? [`workers: none of ${seats} answers`] : []
    },
    // It is told at once: nobody has to be asked.
    notReadyReasons: async () => (draining ? reasonsOf([]) : reasonsOf(await inspect({ metrics: false }))),
    async metrics() {
      const sights = await inspect({ metrics: true })
      up = sights.filter(([, sight]) => sight !== undefined).length
      ready = reasonsOf(sights).length === 0
      const told = new Map<object, Snapshot | undefined>(
        sights.map(([worker, sight]) => [worker, sight?.metrics]),
      )
      return renderMetrics(status, sum.of(told))
    },
  }
}
