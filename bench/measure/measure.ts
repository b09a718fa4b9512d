import { type Load, type LoadName, loadNames, loads } from '../load/loads.ts'
import { progressOn } from '../report/progress.ts'
import type { LoadCosts, Results } from '../report/results.ts'
import { startFakeSes } from '../servers/fake-ses.ts'
import { type ServerName, titleOf } from '../servers/servers.ts'
import { measureBodyCost } from './body-cost.ts'
import { measureIdleSession } from './idle-sessions.ts'
import { type LoadPlan, measureLoadCosts, warmUpSeconds } from './load-cost.ts'
import { describeMachine } from './machine.ts'
import { measureMemoryPressure } from './memory-pressure.ts'
import { findPackages } from './packages.ts'
import { measureScanCost } from './scan-cost.ts'
import { measureStartTime } from './start-time.ts'

/** How much is measured. `seconds` are estimates for the progress display, without the loads. */
interface Plan {
  readonly loadPlan: LoadPlan
  readonly starts: number
  readonly idleSessions: number
  readonly pressureClients: number
  readonly bodyMessages: number
  readonly scanRuns: number
  readonly seconds: Readonly<Record<'starts' | 'idle' | 'pressure' | 'engine', number>>
}

const quickPlan: Plan = {
  loadPlan: { rounds: 1, roundSeconds: 0.6, warmUpFactor: 1 },
  starts: 3,
  idleSessions: 1000,
  pressureClients: 20,
  bodyMessages: 20,
  scanRuns: 2,
  seconds: { starts: 2, idle: 1.5, pressure: 3, engine: 2 },
}

const fullPlan: Plan = {
  loadPlan: { rounds: 5, roundSeconds: 2, warmUpFactor: 2.5 },
  starts: 11,
  idleSessions: 5000,
  pressureClients: 200,
  bodyMessages: 40,
  scanRuns: 5,
  seconds: { starts: 6, idle: 4, pressure: 12, engine: 7 },
}

const idleServers = ['floor', 'engine', 'discard', 'smtpServer'] as const

/** Measures everything, and shows the progress on standard error. */
export async function measure(quick: boolean): Promise<Results> {
  const plan = quick ? quickPlan : fullPlan
  const { loadPlan, seconds } = plan
  const serversOf = ({ servers, extraServers }: Load) => (quick ? servers : [...servers, ...extraServers])
  const fakeSes = await startFakeSes()
  const progress = progressOn(process.stderr, expectedSeconds(plan, serversOf))

  // Short measurements come first, so that errors appear early.
  const idle: Partial<Record<ServerName, number>> = {}
  for (const name of idleServers) {
    progress.begin(`${plan.idleSessions} idle sessions: ${titleOf(name)}`, seconds.idle)
    idle[name] = await measureIdleSession(name, plan.idleSessions)
  }
  progress.begin('Start time', seconds.starts)
  const starts = await measureStartTime(plan.starts)
  progress.begin(`${plan.pressureClients} clients with 9 MB each at once`, seconds.pressure)
  const memoryPressure = await measureMemoryPressure(plan.pressureClients, fakeSes)
  progress.begin('Stuffed lines; byte by byte', seconds.engine)
  const bodyCost = await measureBodyCost(plan.bodyMessages)
  const scanCost = measureScanCost(plan.scanRuns)
  const costs = {} as Record<LoadName, LoadCosts>
  for (const name of loadNames) {
    const load: Load = loads[name]
    const serverNames = serversOf(load)
    if (serverNames.length > 0) progress.begin(load.title, loadSeconds(load, serverNames, loadPlan))
    costs[name] = await measureLoadCosts(load, serverNames, loadPlan, fakeSes.port, progress.detail)
  }
  progress.end()
  await fakeSes.stop()
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    quick,
    rounds: loadPlan.rounds,
    roundSeconds: loadPlan.roundSeconds,
    costs,
    idle,
    idleSessions: plan.idleSessions,
    ...starts,
    memoryPressure,
    bodyCost,
    scanCost,
    packages: findPackages(),
  }
}

function expectedSeconds(
  { loadPlan, seconds }: Plan,
  serversOf: (load: Load) => readonly ServerName[],
): number {
  const others = seconds.starts + seconds.pressure + seconds.engine + idleServers.length * seconds.idle
  return loadNames.reduce(
    (sum, name) => sum + loadSeconds(loads[name], serversOf(loads[name]), loadPlan),
    others,
  )
}

function loadSeconds(load: Load, serverNames: readonly ServerName[], plan: LoadPlan): number {
  // 0.1 s to start the processes of the load.
  const turns = serverNames.length * plan.rounds * (plan.roundSeconds + 0.1)
  return serverNames.reduce((sum, name) => sum + 0.2 + warmUpSeconds(name, load, plan), turns)
}
