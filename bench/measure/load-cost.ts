import type { Load } from '../load/loads.ts'
import { figureOf, type LoadCost, type LoadCosts } from '../report/results.ts'
import type { ServerProcess } from '../servers/server-process.ts'
import { relaysToSes, type ServerName, startServer, titleOf } from '../servers/servers.ts'
import { applyLoad, type RoundCost } from './apply-load.ts'

/** How often and how long a load is applied. */
export interface LoadPlan {
  readonly rounds: number
  readonly roundSeconds: number
  /** Factor of the load's minimum time to warm up. */
  readonly warmUpFactor: number
}

/** Returns the time to warm up, so that compilation is not measured. The AWS SDK needs longer because of its size. */
export function warmUpSeconds(name: ServerName, load: Load, { warmUpFactor }: LoadPlan): number {
  return load.warmUpSeconds * warmUpFactor * (relaysToSes(name) ? 1.5 : 1)
}

/** Applies a load to each server in turns, so that other activity of the machine affects all of them. */
export async function measureLoadCosts(
  load: Load,
  names: readonly ServerName[],
  plan: LoadPlan,
  sesPort: number,
  report: (what: string) => void,
): Promise<LoadCosts> {
  const { rounds, roundSeconds } = plan
  const started = names.map(name => startServer(name, sesPort))
  const all: { name: ServerName; server: ServerProcess; costs: RoundCost[] }[] = []
  for (const [i, name] of names.entries()) all.push({ name, server: await started[i]!, costs: [] })
  for (const { name, server } of all) {
    report(`${load.title}: ${titleOf(name)}, warming up`)
    await measureRound(name, server, load, warmUpSeconds(name, load, plan))
  }
  for (let round = 1; round <= rounds; round++) {
    for (const { name, server, costs } of all) {
      report(`${load.title}: ${titleOf(name)}, round ${round} of ${rounds}`)
      costs.push(await measureRound(name, server, load, roundSeconds))
    }
  }
  const results: Partial<Record<ServerName, LoadCost>> = {}
  for (const { name, server, costs } of all) {
    const { peakBytes } = await server.usage()
    await server.stop()
    results[name] = { ...costFigures(costs), peakBytes }
  }
  return results
}

function measureRound(
  name: ServerName,
  server: ServerProcess,
  load: Load,
  seconds: number,
): Promise<RoundCost> {
  return applyLoad(server, load, seconds).catch((error: Error) => {
    throw new Error(`${titleOf(name)}, ${load.title}: ${error.message}`)
  })
}

function costFigures(costs: readonly RoundCost[]): Omit<LoadCost, 'peakBytes'> {
  return {
    cpuMs: figureOf(costs.map(cost => cost.cpuMsPerMessage)),
    messagesPerSecond: figureOf(costs.map(cost => cost.messagesPerSecond)),
    stallMs: figureOf(costs.map(cost => cost.stallMs)),
  }
}
