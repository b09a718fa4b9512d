import type { LoadName } from './loads.ts'
import type { Results } from './results.ts'
import type { SubjectName } from './subjects.ts'

/** What the Go program cost, CPU ms a mail, and the floor beside it in the same run. */
export interface Anchor {
  /** The lower of what was measured: the harder one to be compared with. */
  readonly goCpuMs: number
  readonly floorCpuMs: number
}

/** Measured earlier, with another load generator, on the same kind of machine: relaying to SES over TLS. */
export const anchors: Readonly<Record<LoadName, Anchor>> = {
  kept: { goCpuMs: 0.75, floorCpuMs: 0.056 },
  renewed: { goCpuMs: 1.0, floorCpuMs: 0.27 },
  medium: { goCpuMs: 5.8, floorCpuMs: 0.11 },
  large: { goCpuMs: 9 * 25, floorCpuMs: 9 * 0.39 },
}

/** Its memory with four mails of 9 MB at once. */
export const goPeakBytes = 290e6

/** CPU of one over that of another, in one load of one run. */
export function ratio(
  { costs }: Results,
  load: LoadName,
  one: SubjectName,
  other: SubjectName,
): number | undefined {
  const [mine, theirs] = [costs[load][one], costs[load][other]]
  return mine && theirs && mine.cpuMs.median / theirs.cpuMs.median
}

/** CPU of the program, `-r ses`, over that of the Go program, each divided by the floor of its own run. */
export function ratioToGo(results: Results, load: LoadName): number | undefined {
  const { goCpuMs, floorCpuMs } = anchors[load]
  const ours = ratio(results, load, 'ses', 'floor')
  return ours && ours / (goCpuMs / floorCpuMs)
}
