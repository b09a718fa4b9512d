import type { Registry } from 'prom-client'
import { prometheus } from './prometheus.ts'

/** The metrics of a process at a moment, as they go from one process to another. */
export type Snapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** Adds up the metrics of several processes, of which some end and others take their place. */
export class MetricsAggregator {
  readonly #aggregate: (snapshots: Snapshot[]) => Registry
  /** What each process that lives has last told. */
  readonly #latest = new Map<object, Snapshot>()
  /** What those have counted that have ended. */
  #ended: Snapshot = []

  private constructor(aggregate: (snapshots: Snapshot[]) => Registry) {
    this.#aggregate = aggregate
  }

  /** prom-client is loaded here. */
  static async begin(): Promise<MetricsAggregator> {
    const { AggregatorRegistry } = await prometheus()
    return new MetricsAggregator(snapshots => AggregatorRegistry.aggregate(snapshots))
  }

  /**
   * The sum of what processes tell now, of what those have counted that do not answer, and of what those have counted
   * that have ended: counters never go back. A process that ends takes with it what it counted since it was last asked.
   * @param told by process; `undefined` where it did not answer
   */
  of(told: ReadonlyMap<object, Snapshot | undefined>): Registry {
    const now: Snapshot[] = []
    for (const [process, snapshot] of told) {
      if (snapshot !== undefined) {
        const legible = snapshot.map(legibly)
        this.#latest.set(process, legible)
        now.push(legible)
      } else now.push(countsOf(this.#latest.get(process) ?? []))
    }
    return this.#aggregate([...now, this.#ended])
  }

  /** A process has ended; it is not asked any more. */
  end(process: object): void {
    const latest = this.#latest.get(process)
    this.#latest.delete(process)
    if (latest === undefined) return
    const both = this.#aggregate([this.#ended, countsOf(latest)])
    // At once, or a sum that is asked for meanwhile would be smaller. What has been added up is its own snapshot.
    this.#ended = both.getMetricsAsArray() as unknown as Snapshot
  }
}

/** What only grows. The rest means nothing where its process does not answer. */
function countsOf(snapshot: Snapshot): Snapshot {
  // The types of prom-client know numbers here; what comes is the name.
  return snapshot.filter(({ type }) => ['counter', 'histogram'].includes(String(type)))
}

/** JSON knows no NaN: what came as null was one, and adds up to nothing. */
function legibly(metric: Snapshot[number]): Snapshot[number] {
  return { ...metric, values: metric.values.filter(({ value }) => typeof value === 'number') }
}
