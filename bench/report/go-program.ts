import type { LoadName } from '../load/loads.ts'
import type { ServerName } from '../servers/servers.ts'
import type { Results } from './results.ts'

/** CPU time per message of the Go program, and of the floor in the same run, in milliseconds. */
export interface GoFigures {
  /** The lowest of several measurements, which is the hardest to reach. */
  readonly goCpuMs: number
  readonly floorCpuMs: number
}

/** Measured earlier with another load generator on the same kind of machine, relaying to SES over TLS. */
export const goFigures: Readonly<Record<LoadName, GoFigures>> = {
  keepAlive: { goCpuMs: 0.75, floorCpuMs: 0.056 },
  newConnection: { goCpuMs: 1.0, floorCpuMs: 0.27 },
  medium: { goCpuMs: 5.8, floorCpuMs: 0.11 },
  large: { goCpuMs: 9 * 25, floorCpuMs: 9 * 0.39 },
}

/** Its peak memory with four messages of 9 MB at once. */
export const goPeakBytes = 290e6

/** Returns the CPU time of one server divided by that of another, for the same load. */
export function ratio(
  { costs }: Results,
  load: LoadName,
  one: ServerName,
  other: ServerName,
): number | undefined {
  const [first, second] = [costs[load][one], costs[load][other]]
  return first && second && first.cpuMs.median / second.cpuMs.median
}

/** Returns the CPU time of the program, `-r ses`, divided by that of the Go program, each relative to its own floor. */
export function ratioToGo(results: Results, load: LoadName): number | undefined {
  const { goCpuMs, floorCpuMs } = goFigures[load]
  const ours = ratio(results, load, 'ses', 'floor')
  return ours && ours / (goCpuMs / floorCpuMs)
}
