import type { Registry } from 'prom-client'
import { prefix } from './prefix.ts'
import { prometheus } from './prometheus.ts'

/** What is known of the whole program, however many processes it has. */
export interface BuildInfo {
  readonly version: string
  /** The backend's name. */
  readonly relay: string
  readonly isReady: () => boolean | Promise<boolean>
  /** Where there are workers: how many of them answered, and how many did not. */
  readonly workers?: () => { readonly up: number; readonly missing: number }
}

/** The metrics that tell of the program itself. */
export async function buildInfoMetrics({ version, relay, isReady, workers }: BuildInfo): Promise<Registry> {
  const { Registry, Gauge } = await prometheus()
  const registry = new Registry()
  const registers = [registry]
  const help = 'Always 1; the labels tell what runs.'
  new Gauge({ name: `${prefix}info`, help, labelNames: ['version', 'relay'], registers }).set(
    { version, relay },
    1,
  )
  new Gauge({
    name: `${prefix}ready`,
    help: '1 where /readyz answers 200.',
    registers,
    async collect() {
      this.set((await isReady()) ? 1 : 0)
    },
  })
  if (workers !== undefined) {
    new Gauge({
      name: `${prefix}workers`,
      help: 'Workers that are up, and those that are not, or do not answer.',
      labelNames: ['state'],
      registers,
      collect() {
        for (const [state, count] of Object.entries(workers())) this.set({ state }, count)
      },
    })
  }
  return registry
}

/** The text format of Prometheus, of several registries that have no name in common. */
export async function renderMetrics(...registries: readonly Registry[]): Promise<string> {
  const texts = await Promise.all(registries.map(registry => registry.metrics()))
  // prom-client has a spelling of its own for it.
  return texts.join('\n').replace(/ Nan$/gm, ' NaN')
}
