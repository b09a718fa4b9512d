import type { Progress } from '../../src/support/progress.ts'
import { disruptions as disruptionNames } from './disruptions.ts'
import type { Ledger } from './ledger.ts'
import type { Soak } from './soak.ts'

/** Types of findings, in the order of the report. */
const findingTypes = [
  'early',
  'altered',
  'stray',
  'incomplete',
  'unanswered',
  'rejected',
  'unsettled',
  'program',
] as const

/** Returns true if the ledger has no findings. */
export function isClean({ ledger }: Soak): boolean {
  return ledger.counts.size === 0
}

/** Shows the progress of a soak. */
export function showOn(progress: Progress, soak: Soak): void {
  const { ledger, clients, service, disruptions } = soak
  const { accepted, rejected } = ledger.totals
  const faults = sum(service.faults.values()) + sum(disruptions.values())
  const more = [
    // First, because a narrow terminal cuts the rest.
    resultLine(ledger),
    `${clients.busy} in flight`,
    `${faults} faults`,
    ...(soak.draining ? ['waiting for the rest'] : []),
  ]
  progress.show(accepted + rejected, soak.progress, more.join(', '))
}

/** Returns the report of an ended soak: the findings, a table, and the result as the last line. */
export function reportOf(soak: Soak): string {
  const { ledger, service, program, disruptions } = soak
  const { totals } = ledger
  const seconds = soak.sentMs / 1000
  const rows: [string, string | number][] = [
    ['messages sent', totals.messages],
    ['  to recipients', totals.recipients],
    ['  accepted', totals.accepted],
    ['  rejected', totals.rejected],
    ['messages per second', (totals.messages / seconds).toFixed(1)],
    ['retries', totals.retries],
    ['slowest message', `${(totals.slowest.ms / 1000).toFixed(1)} s (message ${totals.slowest.number})`],
    ['faults of the service', sum(service.faults.values())],
    ...[...service.faults].sort().map(([name, count]): [string, number] => [`  ${name}`, count]),
    ['disruptions', sum(disruptions.values())],
    ...disruptionNames.flatMap((name): [string, number][] =>
      disruptions.has(name) ? [[`  ${name}`, disruptions.get(name)!]] : [],
    ),
    ['keys used', service.rotations],
    ['certificate reloads', program.reloads],
    ['peak memory of the program', `${(program.peakBytes / 2 ** 20).toFixed(0)} MiB`],
    ['unavoidable duplicates, recipients', sum(totals.unavoidableDuplicates.values())],
    ...[...totals.unavoidableDuplicates]
      .sort()
      .map(([reason, count]): [string, number] => [`  ${reason}`, count]),
    ...findingTypes.flatMap((type): [string, number][] =>
      ledger.count(type) > 0 ? [[type.toUpperCase(), ledger.count(type)]] : [],
    ),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const table = rows.map(([name, value]) => `${name.padEnd(width)}  ${String(value).padStart(8)}`)
  const findings = ledger.findings.flatMap(({ type, number, text, timeline = [] }) => [
    `${type}: ${number === undefined ? '' : `message ${number}:  `}${text}`,
    ...timeline.map(line => `    ${line}`),
  ])
  const unexpectedLines = program.unexpectedLines.map(
    line => `unexpected output of the program:  ${JSON.stringify(line)}`,
  )
  return [...findings, ...unexpectedLines, '', ...table, '', resultLine(ledger)].join('\n')
}

function resultLine(books: Ledger): string {
  return `lost ${books.count('lost')}, duplicated ${books.count('duplicated')}`
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const number of numbers) total += number
  return total
}
