import type { Progress } from '../../src/support/progress.ts'
import type { Books } from './books.ts'
import { happenings } from './profiles.ts'
import type { Soak } from './soak.ts'

/** What must not be, in the order in which it is told. */
const wrongs = [
  'early',
  'spoiled',
  'stray',
  'unfinished',
  'unanswered',
  'refused',
  'unsettled',
  'program',
] as const

/** True if nothing was found. */
export function isClean({ books }: Soak): boolean {
  return books.counts.size === 0
}

/** Shows what goes on. */
export function showOn(progress: Progress, soak: Soak): void {
  const { books, clients, service, happened } = soak
  const { accepted, refused } = books.totals
  const faults = sum(service.done.values()) + sum(happened.values())
  const more = [
    // First, as a narrow terminal has no room for the rest.
    verdictOf(books),
    `${clients.busy} in flight`,
    `${faults} faults`,
    ...(soak.draining ? ['waiting for the rest'] : []),
  ]
  progress.show(accepted + refused, soak.share, more.join(', '))
}

/** The books, closed: a table, what is wrong, and the verdict as the last line. */
export function reportOf(soak: Soak): string {
  const { books, service, program, happened } = soak
  const { totals } = books
  const seconds = soak.sentMs / 1000
  const rows: [string, string | number][] = [
    ['mails sent', totals.mails],
    ['  to recipients', totals.recipients],
    ['  accepted', totals.accepted],
    ['  refused for good', totals.refused],
    ['mails a second', (totals.mails / seconds).toFixed(1)],
    ['retries', totals.retries],
    ['slowest mail', `${(totals.slowest.ms / 1000).toFixed(1)} s (mail ${totals.slowest.number})`],
    ['faults of the service', sum(service.done.values())],
    ...[...service.done].sort().map(([name, count]): [string, number] => [`  ${name}`, count]),
    ['happenings', sum(happened.values())],
    ...happenings.flatMap((name): [string, number][] =>
      happened.has(name) ? [[`  ${name}`, happened.get(name)!]] : [],
    ),
    ['keys used', service.rotations],
    ['times the certificate was read again', program.reloads],
    ['peak memory of the program', `${(program.peakBytes / 2 ** 20).toFixed(0)} MiB`],
    ['sent again with an excuse, recipients', sum(totals.ambiguous.values())],
    ...[...totals.ambiguous].sort().map(([reason, count]): [string, number] => [`  ${reason}`, count]),
    ...wrongs.flatMap((type): [string, number][] =>
      books.count(type) > 0 ? [[type.toUpperCase(), books.count(type)]] : [],
    ),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const table = rows.map(([name, value]) => `${name.padEnd(width)}  ${String(value).padStart(8)}`)
  const findings = books.findings.flatMap(({ type, number, text, timeline = [] }) => [
    `${type}: ${number === undefined ? '' : `mail ${number}: `}${text}`,
    ...timeline.map(line => `    ${line}`),
  ])
  const remarks = program.remarks.map(line => `the program said: ${JSON.stringify(line)}`)
  return [...findings, ...remarks, '', ...table, '', verdictOf(books)].join('\n')
}

function verdictOf(books: Books): string {
  return `lost ${books.count('lost')}, duplicated ${books.count('duplicated')}`
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const number of numbers) total += number
  return total
}
