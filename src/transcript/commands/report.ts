import { visible, visibleBytes } from '../../visible.ts'
import type { Transcript } from '../notation.ts'
import { type Outcome, outcomeTypes } from '../replay/verdict.ts'
import type { Source } from './sources.ts'

/** What came of one file. */
export interface Result {
  readonly source: Source
  readonly transcript: Transcript
  readonly outcome: Outcome
}

/** As many lines of a reply are shown. */
const mostLines = 3
/** The most frequent reasons for skipping are shown. */
const mostReasons = 12

/** The results for people: a table by folder, why files were skipped, and where the failed ones differ. */
export function reportOf(results: readonly Result[], fails: (result: Result) => boolean): string {
  const failed = results.filter(fails)
  return [...tableOf(results), ...skippedOf(results), ...failed.flatMap(paragraphOf), ''].join('\n')
}

/** The results for programs, in ASCII: terminals obey some characters beyond it. */
export function jsonOf(results: readonly Result[]): string {
  const rows = results.map(({ source, transcript: { title, spec }, outcome: { type, ...rest } }) => ({
    file: source.path,
    title,
    spec,
    outcome: type,
    ...rest,
  }))
  const json = JSON.stringify(rows, null, 2)
  const ascii = json.replace(
    /[\x7f-\uffff]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `${ascii}\n`
}

function tableOf(results: readonly Result[]): string[] {
  const folders = [...new Set(results.map(({ source }) => source.folder))]
  const count = (folder: string | undefined) =>
    outcomeTypes.map(type =>
      String(
        results.filter(
          ({ source, outcome }) =>
            outcome.type === type && (folder === undefined || source.folder === folder),
        ).length,
      ),
    )
  const rows = folders.map(folder => [visible(folder), ...count(folder)])
  const all = folders.length > 1 ? [['all', ...count(undefined)]] : []
  const head = ['folder', ...outcomeTypes]
  const widths = head.map((_, column) => Math.max(...[head, ...rows, ...all].map(row => row[column]!.length)))
  const line = (row: readonly string[]) => {
    const cells = row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
    return `| ${cells.join(' | ')} |`
  }
  const rule = `|${widths.map((width, i) => '-'.repeat(width + 1) + (i === 0 ? '-' : ':')).join('|')}|`
  return [line(head), rule, ...rows.map(line), ...all.map(line)]
}

function skippedOf(results: readonly Result[]): string[] {
  const counts = new Map<string, number>()
  for (const { outcome } of results)
    if (outcome.type === 'skipped') counts.set(outcome.reason, (counts.get(outcome.reason) ?? 0) + 1)
  if (counts.size === 0) return []
  const rows = [...counts].sort(([, a], [, b]) => b - a)
  const row = (count: number, reason: string) => `${String(count).padStart(5)}  ${visible(reason)}`
  const others = rows.slice(mostReasons).reduce((sum, [, count]) => sum + count, 0)
  return [
    '',
    'Skipped:',
    ...rows.slice(0, mostReasons).map(([reason, count]) => row(count, reason)),
    ...(others > 0 ? [row(others, 'for other reasons; --json tells each one')] : []),
  ]
}

function paragraphOf({ source, transcript, outcome }: Result): string[] {
  if (!('difference' in outcome)) return []
  const { after, expected, got } = outcome.difference
  return [
    '',
    `${visible(source.path)}: ${visible(transcript.title)}`,
    `  Spec      ${visible(transcript.spec)}`,
    `  after     ${visible(after.slice(0, 200))}`,
    `  expected  ${shown(expected)}`,
    `  got       ${shown(got)}`,
  ]
}

function shown(text: string): string {
  const lines = text.split('\n')
  const more = lines.length > mostLines ? [`... (${lines.length} lines)`] : []
  return [...lines.slice(0, mostLines).map(line => visibleBytes(line)), ...more].join(`\n${' '.repeat(12)}`)
}
