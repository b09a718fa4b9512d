import { escapeBytes, escapeForTerminal } from '../../support/escape.ts'
import type { Transcript } from '../notation.ts'
import { outcomeTypes, type ReplayOutcome } from '../replay/comparison.ts'
import type { Source } from './sources.ts'

/** The result of replaying one file. */
export interface FileResult {
  readonly source: Source
  readonly transcript: Transcript
  readonly outcome: ReplayOutcome
}

/** Number of lines of a reply that are shown. */
const maxLines = 3
/** Number of reasons for skipping that are shown, the most frequent first. */
const maxReasons = 12

/** Returns the results for people: a table by folder, the reasons for skipping, and the differences of failed files. */
export function reportOf(results: readonly FileResult[], fails: (result: FileResult) => boolean): string {
  const failed = results.filter(fails)
  return [...tableOf(results), ...skippedOf(results), ...failed.flatMap(paragraphOf), ''].join('\n')
}

/** Returns the results as JSON in ASCII, because terminals interpret some other characters. */
export function jsonOf(results: readonly FileResult[]): string {
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

function tableOf(results: readonly FileResult[]): string[] {
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
  const rows = folders.map(folder => [escapeForTerminal(folder), ...count(folder)])
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

function skippedOf(results: readonly FileResult[]): string[] {
  const counts = new Map<string, number>()
  for (const { outcome } of results)
    if (outcome.type === 'skipped') counts.set(outcome.reason, (counts.get(outcome.reason) ?? 0) + 1)
  if (counts.size === 0) return []
  const rows = [...counts].sort(([, a], [, b]) => b - a)
  const row = (count: number, reason: string) => `${String(count).padStart(5)}  ${escapeForTerminal(reason)}`
  const others = rows.slice(maxReasons).reduce((sum, [, count]) => sum + count, 0)
  return [
    '',
    'Skipped:',
    ...rows.slice(0, maxReasons).map(([reason, count]) => row(count, reason)),
    ...(others > 0 ? [row(others, 'for other reasons (--json lists all)')] : []),
  ]
}

function paragraphOf({ source, transcript, outcome }: FileResult): string[] {
  if (!('difference' in outcome)) return []
  const { after, expected, got } = outcome.difference
  return [
    '',
    `${escapeForTerminal(source.path)}: ${escapeForTerminal(transcript.title)}`,
    `  Spec      ${escapeForTerminal(transcript.spec)}`,
    `  after     ${escapeForTerminal(after.slice(0, 200))}`,
    `  expected  ${shown(expected)}`,
    `  got       ${shown(got)}`,
  ]
}

function shown(text: string): string {
  const lines = text.split('\n')
  const more = lines.length > maxLines ? [`... (${lines.length} lines)`] : []
  return [...lines.slice(0, maxLines).map(line => escapeBytes(line)), ...more].join(`\n${' '.repeat(12)}`)
}
