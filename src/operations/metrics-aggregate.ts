import type { Registry } from 'prom-client'
import { loadPrometheus } from './prometheus.ts'

/** The metrics of one process at one moment, in a form that can be sent to another process. */
export type Snapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** Adds up the metrics of several processes, some of which end and are replaced. */
export class MetricsAggregator {
  readonly #aggregate: (snapshots: Snapshot[]) => Registry
  /** The latest snapshot of each living process. */
  readonly #latest = new Map<object, Snapshot>()
  /** The sum of what the processes that have ended had counted. */
  #ended: Snapshot = []

  private constructor(aggregate: (snapshots: Snapshot[]) => Registry) {
    this.#aggregate = aggregate
  }

  /** Loads prom-client. */
  static async create(): Promise<MetricsAggregator> {
    const { AggregatorRegistry } = await loadPrometheus()
    return new MetricsAggregator(snapshots => AggregatorRegistry.aggregate(snapshots))
  }

  /**
   * Returns the sum of these snapshots, of the latest counts of processes that did not answer, and of the counts of
   * processes that have ended. So counters never decrease. What a process counted between its last snapshot and its end is
   * lost.
   * @param snapshots by process; `undefined` if the process did not answer
   */
  sum(snapshots: ReadonlyMap<object, Snapshot | undefined>): Registry {
    const current: Snapshot[] = []
    for (const [process, snapshot] of snapshots) {
      if (snapshot !== undefined) {
        const valid = snapshot.map(withoutNaN)
        this.#latest.set(process, valid)
        current.push(valid)
      } else current.push(countsOf(this.#latest.get(process) ?? []))
    }
    return this.#aggregate([...current, this.#ended])
  }

  /** Must be called when a process has ended. Its counts stay in the sum. */
  end(process: object): void {
    const latest = this.#latest.get(process)
    this.#latest.delete(process)
    if (latest === undefined) return
    const both = this.#aggregate([this.#ended, countsOf(latest)])
    // Synchronous: otherwise a sum that is computed meanwhile would be smaller. The aggregate has the form of a snapshot.
    this.#ended = both.getMetricsAsArray() as unknown as Snapshot
  }
}

/** Returns what only increases. Gauges mean nothing if their process does not answer. */
function countsOf(snapshot: Snapshot): Snapshot {
  // In prom-client's types it is a number, at run time it is the name.
  return snapshot.filter(({ type }) => ['counter', 'histogram'].includes(String(type)))
}

/** Leaves out values that were NaN: JSON turns them into null. They add nothing to a sum. */
function withoutNaN(metric: Snapshot[number]): Snapshot[number] {
  return { ...metric, values: metric.values.filter(({ value }) => typeof value === 'number') }
}
