import type { Report } from '../support/attackers.ts'
import { isDocumented, type Kind } from './kinds.ts'
import type { Siege } from './siege.ts'

/** A condition at the end of a siege. */
export interface Claim {
  readonly text: string
  readonly holds: boolean
}

/** Limit of the median time until a message is accepted, in milliseconds. */
const medianMs = 1000
/** Number of failed probes after which a container is restarted, as in `deploy`. */
const failedProbes = 6
const MiB = 1024 * 1024

/** The report of a siege. Create it before the attackers are stopped. */
export class SiegeReport {
  readonly claims: readonly Claim[]
  readonly text: string

  private constructor(claims: readonly Claim[], text: string) {
    this.claims = claims
    this.text = text
  }

  static async of(siege: Siege): Promise<SiegeReport> {
    const reports = await siege.reports()
    const claims = await claimsOf(siege, reports)
    const lines = [
      ...attackTable(reports),
      '',
      ...honestTable(siege),
      '',
      ...(siege.unlimited === false ? [] : [`without a limit of memory: ${siege.unlimited}`]),
      ...(siege.relay.alive
        ? []
        : siege.relay.stderr.all.slice(-5).map(line => `output of the program:  ${line}`)),
      ...claims.map(({ text, holds }) => `${holds ? 'holds' : 'FAILS'}  ${text}`),
    ]
    return new SiegeReport(claims, lines.join('\n'))
  }

  get holds(): boolean {
    return this.claims.every(({ holds }) => holds)
  }
}

async function claimsOf(siege: Siege, reports: readonly (readonly [Kind, Report])[]): Promise<Claim[]> {
  const { relay, messages, options, probes } = siege
  const limit = `${(options.memoryLimitBytes / MiB).toFixed(0)} MiB`
  const peakBytes = (await siege.peakBytes()) ?? 0
  const oomKills = relay.cgroup?.oomKills ?? 0
  const unaccepted = messages.all.length - messages.accepted.length
  const { median } = quantiles(messages.waitsMs)
  const undocumented = reports.flatMap(([kind, { ended }]) =>
    ended
      .filter(([outcome]) => !isDocumented(kind, outcome))
      .map(([outcome, count]) => `${kind.title}: ${count} × ${outcome}`),
  )
  return [
    { text: `the program runs, OOM kills:  ${oomKills}`, holds: relay.alive && oomKills === 0 },
    {
      text: `memory peak ${(peakBytes / MiB).toFixed(0)} MiB is below 90 % of the limit of ${limit}`,
      holds: peakBytes < 0.9 * options.memoryLimitBytes,
    },
    {
      text: `lost ${messages.lost}, altered or duplicated ${messages.wrong}`,
      holds: messages.lost + messages.wrong === 0,
    },
    { text: `messages never accepted: ${unaccepted}`, holds: unaccepted === 0 && messages.all.length > 0 },
    {
      text: `half of the messages were accepted within ${seconds(median)}, at most ${seconds(medianMs)}`,
      holds: median <= medianMs,
    },
    {
      text: `/healthz was asked ${probes.asked} times, failures in a row: ${probes.failedInARow}`,
      holds: probes.failedInARow < failedProbes,
    },
    {
      text: `attackers end as documented${undocumented.map(line => `\n         not documented: ${line}`).join('')}`,
      holds: undocumented.length === 0,
    },
  ]
}

function attackTable(reports: readonly (readonly [Kind, Report])[]): string[] {
  const rows = reports.flatMap(([{ title }, { connected, open, ended }]) => [
    [title, String(connected), String(open)],
    ...ended.map(([outcome, count]) => [`  ${outcome}`, String(count), '']),
  ])
  const header = ['attackers, and how their connections ended', 'made', 'open']
  return [header, ...rows].map(
    ([name = '', made = '', open = '']) => `${name.padEnd(70)} ${made.padStart(8)} ${open.padStart(8)}`,
  )
}

function honestTable({ messages }: Siege): string[] {
  const { median, high, worst } = quantiles(messages.waitsMs)
  const rows = [
    ['messages of other clients', String(messages.all.length)],
    ['  accepted', String(messages.accepted.length)],
    ['  time until accepted: median', seconds(median)],
    ['  time until accepted: 99th percentile', seconds(high)],
    ['  time until accepted: worst', seconds(worst)],
    ...[...messages.refusals].map(([reason, count]) => [`  tried again after: ${reason}`, String(count)]),
  ]
  return rows.map(([name = '', value = '']) => `${name.padEnd(70)} ${value.padStart(8)}`)
}

function quantiles(sorted: readonly number[]) {
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { median: at(0.5), high: at(0.99), worst: at(1) }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
