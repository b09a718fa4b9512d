import type * as Prom from 'prom-client'
import { prefix } from './prefix.ts'

/** Counts, by the values of the labels in their order. */
export type Count = (values?: readonly string[], count?: number) => void

/**
 * Gives what makes a counter, and that gives what counts. prom-client takes a microsecond to find a series by its labels,
 * several times a mail: it is told of what was counted when somebody asks.
 */
export function counters({ Counter }: typeof Prom, registry: Prom.Registry) {
  return (name: string, help: string, labelNames: readonly string[] = []): Count => {
    const series = new Map<string, { readonly labels: Record<string, string>; count: number }>()
    new Counter({
      name: prefix + name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        for (const one of series.values()) {
          this.inc(one.labels, one.count)
          one.count = 0
        }
      },
    })
    return (values = [], count = 1) => {
      const key = values.join(' ')
      const known = series.get(key)
      if (known !== undefined) {
        known.count += count
        return
      }
      const labels = Object.fromEntries(labelNames.map((name, i) => [name, values[i]!]))
      series.set(key, { labels, count })
    }
  }
}
