import type { LoadName } from '../load/loads.ts'
import { goPeakBytes, ratio, ratioToGo } from './go-program.ts'
import type { Results } from './results.ts'

/** A limit for one figure. */
export interface Target {
  readonly what: string
  /** How it is measured. */
  readonly method: string
  readonly limit: number
  /** The load, if the limit is relative to smtp-server. */
  readonly load?: LoadName
  readonly unit: string
  /** If set, the figure must be at least the limit. Otherwise it must be at most the limit. */
  readonly atLeast?: true
  /** Returns the figure, or undefined if this run did not measure it. */
  readonly value: (results: Results) => number | undefined
}

/** The result of a run for one target. */
export interface TargetResult {
  readonly target: Target
  readonly value: number | undefined
  readonly result: 'met' | 'missed' | 'not measured'
}

const mb = 1e6
const ofFloor = 'median CPU per message, relative to the floor'
const ofSmtpServer = 'median CPU per message, relative to smtp-server'
const throughFloors =
  'CPU per message relative to the floor of this run; for the Go program, to the floor of its run'
const cpuAtListening = 'user and system time of the process until it listens'

/** All targets, in the order of the report. */
export const targets: readonly Target[] = [
  {
    what: 'Engine, 2 KB, keep-alive',
    method: ofFloor,
    limit: 1.5,
    unit: '× floor',
    value: results => ratio(results, 'keepAlive', 'engine', 'floor'),
  },
  {
    what: 'Engine, 2 KB, keep-alive',
    method: ofSmtpServer,
    limit: 0.5,
    load: 'keepAlive',
    unit: '× smtp-server',
    value: results => ratio(results, 'keepAlive', 'engine', 'smtpServer'),
  },
  {
    what: 'Engine, 2 KB, new connection each',
    method: ofFloor,
    limit: 1.3,
    unit: '× floor',
    value: results => ratio(results, 'newConnection', 'engine', 'floor'),
  },
  {
    what: 'Engine, 9 MB',
    method: ofFloor,
    limit: 1.6,
    unit: '× floor',
    value: results => ratio(results, 'large', 'engine', 'floor'),
  },
  {
    what: 'Engine, 9 MB',
    method: ofSmtpServer,
    limit: 0.15,
    load: 'large',
    unit: '× smtp-server',
    value: results => ratio(results, 'large', 'engine', 'smtpServer'),
  },
  {
    what: 'A body of stuffed lines',
    method: 'server CPU for 2 MiB of `..` lines, relative to 2 MiB of text, -r discard',
    limit: 3,
    unit: '× plain',
    value: ({ bodyCost }) => bodyCost.stuffed / bodyCost.plain,
  },
  {
    what: 'A message that arrives byte by byte',
    method: 'CPU of the engine for 2 MiB, relative to 1 MiB',
    limit: 2.2,
    unit: '× 1 MiB',
    value: ({ scanCost }) => scanCost.two / scanCost.one,
  },
  {
    what: 'Relay to SES, 2 KB',
    method: throughFloors,
    limit: 0.5,
    unit: '× Go program',
    value: results => ratioToGo(results, 'keepAlive'),
  },
  {
    what: 'Relay to SES, 2 KB',
    method: 'median CPU per message, relative to the engine with a stock SDK client',
    limit: 0.5,
    unit: '× stock SDK',
    value: results => ratio(results, 'keepAlive', 'ses', 'stockSdk'),
  },
  {
    what: 'Relay to SES, 2 KB, messages per second',
    method:
      'not possible: it needs the Go program on the same machine, and its earlier figures do not include it',
    limit: 2,
    unit: '× Go program',
    atLeast: true,
    value: () => undefined,
  },
  {
    what: 'Relay to SES, 9 MB',
    method: throughFloors,
    limit: 0.25,
    unit: '× Go program',
    value: results => ratioToGo(results, 'large'),
  },
  {
    what: 'Relay to SES, 9 MB, peak memory',
    method: 'the whole load, four at once, relative to the Go program with four at once',
    limit: 1,
    unit: '× Go program',
    value: ({ costs }) => costs.large.ses && costs.large.ses.peakBytes / goPeakBytes,
  },
  {
    what: 'Idle session of the engine',
    method: 'memory after EHLO and garbage collection, divided by the number of sessions',
    limit: 10,
    unit: 'KB',
    value: ({ idle }) => idle.engine && idle.engine / 1000,
  },
  {
    what: 'Idle session of the program',
    method: 'the same, -r discard',
    limit: 10,
    unit: 'KB',
    value: ({ idle }) => idle.discard && idle.discard / 1000,
  },
  {
    what: 'Many clients with 9 MB each at once: memory',
    method: 'peak of the program, -r ses, above its memory for messages (0 if it has no such option)',
    limit: 150,
    unit: 'MB',
    value: ({ memoryPressure }) =>
      memoryPressure.exitReason === undefined
        ? (memoryPressure.peakBytes - memoryPressure.budgetBytes) / mb
        : Number.POSITIVE_INFINITY,
  },
  {
    what: 'Many clients with 9 MB each at once: lost',
    method: 'clients without a 250 or 4xx, and messages that were acknowledged but not delivered',
    limit: 0,
    unit: 'messages',
    value: ({ memoryPressure }) =>
      memoryPressure.clients -
      memoryPressure.accepted -
      memoryPressure.deferred +
      Math.max(0, memoryPressure.accepted - memoryPressure.delivered),
  },
  {
    what: 'Start, -r discard',
    method: cpuAtListening,
    limit: 350,
    unit: 'ms CPU',
    value: ({ starts }) => starts.discard.cpuMs.median,
  },
  {
    what: 'Start, -r ses',
    method: cpuAtListening,
    limit: 350,
    unit: 'ms CPU',
    value: ({ starts }) => starts.ses.cpuMs.median,
  },
  {
    what: 'AWS clients that are loaded but not used',
    method: 'modules in memory after the start: all but client-ses with -r ses, all with -r discard',
    limit: 0,
    unit: 'clients',
    value: ({ starts }) =>
      starts.discard.awsClients.length + starts.ses.awsClients.filter(name => name !== 'client-ses').length,
  },
  {
    what: 'Packages that the AWS clients do not need',
    method: 'packages that are installed on this platform to run the program',
    limit: 4,
    unit: 'packages',
    value: ({ packages }) => packages.own.length,
  },
]

/** Compares a run with all targets. */
export function checkTargets(results: Results): readonly TargetResult[] {
  return targets.map(target => {
    const value = target.value(results)
    if (value === undefined) return { target, value, result: 'not measured' }
    const met = target.atLeast ? value >= target.limit : value <= target.limit
    return { target, value, result: met ? 'met' : 'missed' }
  })
}
