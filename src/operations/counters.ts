import type * as Prom from 'prom-client'
import { metricPrefix } from './prometheus.ts'

/** Adds to a counter (1 if left out). `values` are those of its labels, in their order. */
export type Count = (values?: readonly string[], count?: number) => void

/**
 * Returns a function that registers a counter and returns the function that adds to it. prom-client takes a microsecond to
 * find a series by its labels, several times a message. So the counts are kept here, and prom-client gets them when the
 * metrics are collected.
 */
export function counters({ Counter }: typeof Prom, registry: Prom.Registry) {
  return (name: string, help: string, labelNames: readonly string[] = []): Count => {
    const series = new Map<string, { readonly labels: Record<string, string>; count: number }>()
    new Counter({
      name: metricPrefix + name,
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
