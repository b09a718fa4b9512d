import type { Registry } from 'prom-client'
import { loadPrometheus, metricPrefix } from './prometheus.ts'

/** Facts about the whole program, whether it is one process or several. */
export interface BuildInfo {
  readonly version: string
  /** The name of the backend. */
  readonly relay: string
  readonly isReady: () => boolean | Promise<boolean>
  /** With `--workers`: how many workers have answered, and how many have not. */
  readonly workers?: () => { readonly up: number; readonly missing: number }
}

/** Returns the metrics of the whole program: build information, readiness, workers. Loads prom-client. */
export async function buildInfoMetrics({ version, relay, isReady, workers }: BuildInfo): Promise<Registry> {
  const { Registry, Gauge } = await loadPrometheus()
  const registry = new Registry()
  const registers = [registry]
  new Gauge({
    name: `${metricPrefix}build_info`,
    help: 'Always 1; the labels are the version and the backend.',
    labelNames: ['version', 'relay'],
    registers,
  }).set({ version, relay }, 1)
  new Gauge({
    name: `${metricPrefix}ready`,
    help: '1 if /readyz answers 200, otherwise 0.',
    registers,
    async collect() {
      this.set((await isReady()) ? 1 : 0)
    },
  })
  if (workers !== undefined) {
    new Gauge({
      name: `${metricPrefix}workers`,
      help: 'Workers that are up, and workers that are not or do not answer.',
      labelNames: ['state'],
      registers,
      collect() {
        for (const [state, count] of Object.entries(workers())) this.set({ state }, count)
      },
    })
  }
  return registry
}

/** Returns the metrics of several registries, which have no name in common, in the text format of Prometheus. */
export async function renderMetrics(...registries: readonly Registry[]): Promise<string> {
  const texts = await Promise.all(registries.map(registry => registry.metrics()))
  // prom-client writes `Nan`.
  return texts.join('\n').replace(/ Nan$/gm, ' NaN')
}
