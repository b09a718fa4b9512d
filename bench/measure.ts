import { measureBodies } from './bodies.ts'
import { measureCosts, type Pace, warmSeconds } from './costs.ts'
import { measureIdle } from './idle.ts'
import { type Load, type LoadName, loadNames, loads } from './loads.ts'
import { describeMachine } from './machine.ts'
import { measureOctets } from './octets.ts'
import { findPackages } from './packages.ts'
import { progressOn } from './progress.ts'
import type { LoadCosts, Results } from './results.ts'
import { startSesSink } from './ses-sink.ts'
import { measureSiege } from './siege.ts'
import { measureStarts } from './starts.ts'
import { type SubjectName, titleOf } from './subjects.ts'

/** How much is measured, and how many seconds that takes apart from the loads; these are for the progress only. */
interface Plan {
  readonly pace: Pace
  readonly starts: number
  readonly idleSessions: number
  readonly siegeClients: number
  readonly bodies: number
  readonly octets: number
  readonly seconds: Readonly<Record<'starts' | 'idle' | 'siege' | 'odd', number>>
}

const quickPlan: Plan = {
  pace: { rounds: 1, turnSeconds: 0.6, warmth: 1 },
  starts: 3,
  idleSessions: 1000,
  siegeClients: 20,
  bodies: 20,
  octets: 2,
  seconds: { starts: 2, idle: 1.5, siege: 3, odd: 2 },
}

const fullPlan: Plan = {
  pace: { rounds: 5, turnSeconds: 2, warmth: 2.5 },
  starts: 11,
  idleSessions: 5000,
  siegeClients: 200,
  bodies: 40,
  octets: 5,
  seconds: { starts: 6, idle: 4, siege: 12, odd: 7 },
}

const idlers = ['floor', 'engine', 'discard', 'smtpServer'] as const

/** Measures everything, and says on standard error what is running. */
export async function measure(quick: boolean): Promise<Results> {
  const plan = quick ? quickPlan : fullPlan
  const { pace, seconds } = plan
  const bearersOf = ({ subjects, more }: Load) => (quick ? subjects : [...subjects, ...more])
  const sink = await startSesSink()
  const progress = progressOn(process.stderr, expectedSeconds(plan, bearersOf))

  // What is short comes first: where something is amiss, it shows early.
  const idle: Partial<Record<SubjectName, number>> = {}
  for (const name of idlers) {
    progress.begin(`${plan.idleSessions} idle sessions: ${titleOf(name)}`, seconds.idle)
    idle[name] = await measureIdle(name, plan.idleSessions)
  }
  progress.begin('Starting', seconds.starts)
  const starts = await measureStarts(plan.starts)
  progress.begin(`${plan.siegeClients} clients with 9 MB each at once`, seconds.siege)
  const siege = await measureSiege(plan.siegeClients, sink)
  progress.begin('Stuffed lines; octet by octet', seconds.odd)
  const bodies = await measureBodies(plan.bodies)
  const octets = measureOctets(plan.octets)
  const costs = {} as Record<LoadName, LoadCosts>
  for (const name of loadNames) {
    const load: Load = loads[name]
    const bearers = bearersOf(load)
    if (bearers.length > 0) progress.begin(load.title, loadSeconds(load, bearers, pace))
    costs[name] = await measureCosts(load, bearers, pace, sink.port, progress.tell)
  }
  progress.end()
  await sink.stop()
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    quick,
    rounds: pace.rounds,
    turnSeconds: pace.turnSeconds,
    costs,
    idle,
    idleSessions: plan.idleSessions,
    ...starts,
    siege,
    bodies,
    octets,
    packages: findPackages(),
  }
}

function expectedSeconds({ pace, seconds }: Plan, bearersOf: (load: Load) => readonly SubjectName[]): number {
  const others = seconds.starts + seconds.siege + seconds.odd + idlers.length * seconds.idle
  return loadNames.reduce((sum, name) => sum + loadSeconds(loads[name], bearersOf(loads[name]), pace), others)
}

function loadSeconds(load: Load, bearers: readonly SubjectName[], pace: Pace): number {
  // The processes of the load have to start, too.
  const turns = bearers.length * pace.rounds * (pace.turnSeconds + 0.1)
  return bearers.reduce((sum, name) => sum + 0.2 + warmSeconds(name, load, pace), turns)
}
