import type { Report } from '../support/attackers.ts'
import { isDocumented, type Kind } from './kinds.ts'
import type { Siege } from './siege.ts'

/** What must hold at the end of a siege. */
export interface Claim {
  readonly text: string
  readonly holds: boolean
}

/** Clients that do nothing wrong are served within this at the median. */
const medianMs = 1000
/** As in `deploy`: a container is restarted after so many. */
const failedProbes = 6
const MiB = 1024 * 1024

/** A siege that is over. Its attackers must not have been stopped. */
export class Outcome {
  readonly claims: readonly Claim[]
  readonly text: string

  private constructor(claims: readonly Claim[], text: string) {
    this.claims = claims
    this.text = text
  }

  static async of(siege: Siege): Promise<Outcome> {
    const reports = await siege.reports()
    const claims = await claimsOf(siege, reports)
    const lines = [
      ...attackTable(reports),
      '',
      ...honestTable(siege),
      '',
      ...(siege.unlimited === false ? [] : [`without a limit of memory: ${siege.unlimited}`]),
      ...(siege.relay.alive ? [] : siege.relay.stderr.all.slice(-5).map(line => `the program said: ${line}`)),
      ...claims.map(({ text, holds }) => `${holds ? 'holds' : 'FAILS'}  ${text}`),
    ]
    return new Outcome(claims, lines.join('\n'))
  }

  get holds(): boolean {
    return this.claims.every(({ holds }) => holds)
  }
}

async function claimsOf(siege: Siege, reports: readonly (readonly [Kind, Report])[]): Promise<Claim[]> {
  const { relay, messages, plan, probes } = siege
  const limit = `${(plan.memoryLimitBytes / MiB).toFixed(0)} MiB`
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
    { text: `the program lives, OOM kills: ${oomKills}`, holds: relay.alive && oomKills === 0 },
    {
      text: `memory peak ${(peakBytes / MiB).toFixed(0)} MiB is below 90 % of the limit of ${limit}`,
      holds: peakBytes < 0.9 * plan.memoryLimitBytes,
    },
    {
      text: `lost ${messages.lost}, spoiled or duplicated ${messages.wrong}`,
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
    ...[...messages.refusals].map(([why, count]) => [`  tried again after: ${why}`, String(count)]),
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
