import type { Load } from './loads.ts'
import { figureOf, type LoadCost, type LoadCosts } from './results.ts'
import type { Cost, Subject } from './subject.ts'
import { type SubjectName, sendsOn, startSubject, titleOf } from './subjects.ts'

/** How long a load lasts. */
export interface Pace {
  readonly rounds: number
  readonly turnSeconds: number
  /** Times what the load needs at least to warm up. */
  readonly warmth: number
}

/** What is compiled on its first calls is no part of what a mail costs; the AWS SDK is slow and large. */
export function warmSeconds(name: SubjectName, load: Load, { warmth }: Pace): number {
  return load.warmSeconds * warmth * (sendsOn(name) ? 1.5 : 1)
}

/** Puts a load on each of them in turns, so that what else the machine does falls on all. */
export async function measureCosts(
  load: Load,
  names: readonly SubjectName[],
  pace: Pace,
  sesPort: number,
  tell: (what: string) => void,
): Promise<LoadCosts> {
  const { rounds, turnSeconds } = pace
  const started = names.map(name => startSubject(name, sesPort))
  const all: { name: SubjectName; subject: Subject; costs: Cost[] }[] = []
  for (const [i, name] of names.entries()) all.push({ name, subject: await started[i]!, costs: [] })
  for (const { name, subject } of all) {
    tell(`${load.title}: ${titleOf(name)}, warming up`)
    await bear(name, subject, load, warmSeconds(name, load, pace))
  }
  for (let round = 1; round <= rounds; round++) {
    for (const { name, subject, costs } of all) {
      tell(`${load.title}: ${titleOf(name)}, round ${round} of ${rounds}`)
      costs.push(await bear(name, subject, load, turnSeconds))
    }
  }
  const found: Partial<Record<SubjectName, LoadCost>> = {}
  for (const { name, subject, costs } of all) {
    const { peakBytes } = await subject.usage()
    await subject.stop()
    found[name] = { ...figures(costs), peakBytes }
  }
  return found
}

function bear(name: SubjectName, subject: Subject, load: Load, seconds: number): Promise<Cost> {
  return subject.bear(load, seconds).catch((error: Error) => {
    throw new Error(`${titleOf(name)}, ${load.title}: ${error.message}`)
  })
}

function figures(costs: readonly Cost[]): Omit<LoadCost, 'peakBytes'> {
  return {
    cpuMs: figureOf(costs.map(cost => cost.cpuMsPerMail)),
    mailsPerSecond: figureOf(costs.map(cost => cost.mailsPerSecond)),
    stallMs: figureOf(costs.map(cost => cost.stallMs)),
  }
}
