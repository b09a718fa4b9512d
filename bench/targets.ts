import { goPeakBytes, ratio, ratioToGo } from './anchors.ts'
import type { LoadName } from './loads.ts'
import type { Results } from './results.ts'

/** Something that was promised, as a comparison of one figure. */
export interface Target {
  readonly what: string
  /** How it is measured. */
  readonly how: string
  readonly limit: number
  /** Where the limit is a part of what smtp-server takes: with this load. */
  readonly load?: LoadName
  readonly unit: string
  /** The figure must not be below the limit; without it, not above. */
  readonly atLeast?: true
  /** `undefined` where this run cannot tell. */
  readonly value: (results: Results) => number | undefined
}

/** How far it is from what was promised. */
export interface Judgement {
  readonly target: Target
  readonly value: number | undefined
  readonly verdict: 'met' | 'missed' | 'not measured'
}

const mb = 1e6
const ofFloor = 'median CPU a mail, over that of the floor'
const ofSmtpServer = 'median CPU a mail, over that of smtp-server'
const throughFloors = 'CPU a mail over the floor of this run; the same of the Go program in its run'
const cpuAtListening = 'user and system time of the process when it begins to listen'

/** All that was promised, in the order of the promises. */
export const targets: readonly Target[] = [
  {
    what: 'Engine, 2 KB, connection kept',
    how: ofFloor,
    limit: 1.5,
    unit: '× floor',
    value: results => ratio(results, 'kept', 'engine', 'floor'),
  },
  {
    what: 'Engine, 2 KB, connection kept',
    how: ofSmtpServer,
    limit: 0.5,
    load: 'kept',
    unit: '× smtp-server',
    value: results => ratio(results, 'kept', 'engine', 'smtpServer'),
  },
  {
    what: 'Engine, 2 KB, new connection each',
    how: ofFloor,
    limit: 1.3,
    unit: '× floor',
    value: results => ratio(results, 'renewed', 'engine', 'floor'),
  },
  {
    what: 'Engine, 9 MB',
    how: ofFloor,
    limit: 1.6,
    unit: '× floor',
    value: results => ratio(results, 'large', 'engine', 'floor'),
  },
  {
    what: 'Engine, 9 MB',
    how: ofSmtpServer,
    limit: 0.15,
    load: 'large',
    unit: '× smtp-server',
    value: results => ratio(results, 'large', 'engine', 'smtpServer'),
  },
  {
    what: 'A body of stuffed lines',
    how: 'server CPU for 2 MiB of `..` lines, over 2 MiB of text, -r discard',
    limit: 3,
    unit: '× plain',
    value: ({ bodies }) => bodies.stuffed / bodies.plain,
  },
  {
    what: 'A mail that comes octet by octet',
    how: 'CPU of the engine for 2 MiB, over 1 MiB',
    limit: 2.2,
    unit: '× half of it',
    value: ({ octets }) => octets.two / octets.one,
  },
  {
    what: 'Relay to SES, 2 KB',
    how: throughFloors,
    limit: 0.5,
    unit: '× Go program',
    value: results => ratioToGo(results, 'kept'),
  },
  {
    what: 'Relay to SES, 2 KB',
    how: 'median CPU a mail, over that of the engine with a stock SDK client',
    limit: 0.5,
    unit: '× stock SDK',
    value: results => ratio(results, 'kept', 'ses', 'stockSdk'),
  },
  {
    what: 'Relay to SES, 2 KB, mails per second',
    how: 'not possible here: it needs the Go program on the same machine, and its earlier figures have none',
    limit: 2,
    unit: '× Go program',
    atLeast: true,
    value: () => undefined,
  },
  {
    what: 'Relay to SES, 9 MB',
    how: throughFloors,
    limit: 0.25,
    unit: '× Go program',
    value: results => ratioToGo(results, 'large'),
  },
  {
    what: 'Relay to SES, 9 MB, peak memory',
    how: 'the whole load, four at once, over what the Go program had with four at once',
    limit: 1,
    unit: '× Go program',
    value: ({ costs }) => costs.large.ses && costs.large.ses.peakBytes / goPeakBytes,
  },
  {
    what: 'Idle session of the engine',
    how: 'memory after EHLO and garbage collection, over the number of sessions',
    limit: 10,
    unit: 'KB',
    value: ({ idle }) => idle.engine && idle.engine / 1000,
  },
  {
    what: 'Idle session of the program',
    how: 'the same, -r discard',
    limit: 10,
    unit: 'KB',
    value: ({ idle }) => idle.discard && idle.discard / 1000,
  },
  {
    what: 'Many clients with 9 MB each at once: memory',
    how: 'peak of the program, -r ses, above its budget for mails (0 if it has none)',
    limit: 150,
    unit: 'MB',
    value: ({ siege }) =>
      siege.died === undefined ? (siege.peakBytes - siege.budgetBytes) / mb : Number.POSITIVE_INFINITY,
  },
  {
    what: 'Many clients with 9 MB each at once: lost',
    how: 'clients that heard neither 250 nor 4xx, and mails that were acknowledged but did not arrive',
    limit: 0,
    unit: 'mails',
    value: ({ siege }) =>
      siege.clients - siege.taken - siege.deferred + Math.max(0, siege.taken - siege.arrived),
  },
  {
    what: 'Start, -r discard',
    how: cpuAtListening,
    limit: 350,
    unit: 'ms CPU',
    value: ({ starts }) => starts.discard.cpuMs.median,
  },
  {
    what: 'Start, -r ses',
    how: cpuAtListening,
    limit: 350,
    unit: 'ms CPU',
    value: ({ starts }) => starts.ses.cpuMs.median,
  },
  {
    what: 'AWS clients that are loaded and not used',
    how: 'modules in memory at the start, any but client-ses with -r ses, any with -r discard',
    limit: 0,
    unit: 'clients',
    value: ({ starts }) =>
      starts.discard.awsClients.length + starts.ses.awsClients.filter(name => name !== 'client-ses').length,
  },
  {
    what: 'Packages besides those of the AWS clients',
    how: 'what is installed for this platform to run the program',
    limit: 4,
    unit: 'packages',
    value: ({ packages }) => packages.own.length,
  },
]

/** Holds a run to everything that was promised. */
export function judge(results: Results): readonly Judgement[] {
  return targets.map(target => {
    const value = target.value(results)
    if (value === undefined) return { target, value, verdict: 'not measured' }
    const met = target.atLeast ? value >= target.limit : value <= target.limit
    return { target, value, verdict: met ? 'met' : 'missed' }
  })
}
