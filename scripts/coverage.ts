/**
 * `npm run coverage`: which lines and branches of the rooms that decide about mails were run by the given test files. It
 * prints a table of the rooms and every place that was not run, and ends with 1 where a room has less than it must have,
 * or a test fails. What is known of the places that are left stands in docs/testing.md.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Percent of the lines, and of the branches, of each room. */
const least = 95
const rooms = ['src/protocol', 'src/auth', 'src/relay']

/** What c8 writes of a file, in the form of Istanbul: how often each line and each branch was run. */
interface Counts {
  readonly statementMap: Readonly<Record<string, Range>>
  readonly s: Readonly<Record<string, number>>
  readonly branchMap: Readonly<Record<string, { readonly locations: readonly Range[] }>>
  readonly b: Readonly<Record<string, readonly number[]>>
}

/** From one place of a file to another; lines are counted from 1, columns from 0. */
interface Range {
  readonly start: { readonly line: number; readonly column: number }
  readonly end: { readonly line: number; readonly column: number }
}

/** How many there are, and which were not run. */
interface Tally {
  total: number
  readonly missing: string[]
}

const root = fileURLToPath(new URL('..', import.meta.url))
const output = join(root, 'coverage')
const report = join(output, 'coverage-final.json')
rmSync(report, { force: true })
if (!runTests(process.argv.slice(2))) process.exitCode = 1

const counts = JSON.parse(readFileSync(report, 'utf8')) as Record<string, Counts>
const table = [['Room', 'Lines', 'Branches']]
const missing: string[] = []
for (const room of rooms) {
  const lines: Tally = { total: 0, missing: [] }
  const branches: Tally = { total: 0, missing: [] }
  for (const file of filesOf(room)) await count(file, lines, branches)
  table.push([room, share(lines), share(branches)])
  missing.push(...lines.missing, ...branches.missing)
}
for (const [room, ...shares] of table)
  console.log(room!.padEnd(14) + shares.map(text => text.padStart(24)).join(''))
if (missing.length > 0) console.log(`\nNot run:\n${missing.join('\n')}`)

/** Runs the tests and has c8 count; false, and all that they said, if one of them failed. */
function runTests(files: readonly string[]): boolean {
  const c8 = fileURLToPath(import.meta.resolve('c8/bin/c8.js'))
  const counting = ['--reporter', 'json', '-o', output, ...rooms.flatMap(room => ['-n', `${room}/**`])]
  const testing = ['node', '--import', 'tsx', '--test', '--test-concurrency=3', ...files]
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [c8, ...counting, ...testing], options)
  if (status !== 0) console.error(stdout + stderr)
  return status === 0
}

function filesOf(room: string): readonly string[] {
  const names = readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
  return names
    .filter(name => name.endsWith('.ts'))
    .sort()
    .map(name => `${room}/${name}`)
}

async function count(file: string, lines: Tally, branches: Tally): Promise<void> {
  const path = join(root, file)
  const text = readFileSync(path, 'utf8').split('\n')
  const of = (line: number) => `${file}:${line}  ${text[line - 1]!.trim()}`
  const found = counts[path]
  // A file of nothing but types is never loaded; of any other that was not, no line was run.
  if (found === undefined && Object.keys(await import(path)).length === 0) return
  const { statementMap, s, branchMap, b } = found ?? unloaded(text)
  for (const [key, { start }] of Object.entries(statementMap)) {
    if (!isCode(text[start.line - 1]!)) continue
    lines.total++
    if (s[key] === 0) lines.missing.push(of(start.line))
  }
  for (const [key, { locations }] of Object.entries(branchMap)) {
    for (const [index, range] of locations.entries()) {
      if (!isOurs(range, text)) continue
      branches.total++
      const { line } = range.start
      if (b[key]![index] === 0) branches.missing.push(`${of(line)}  <- from column ${range.start.column + 1}`)
    }
  }
}

function unloaded(text: readonly string[]): Counts {
  const range = (_: string, index: number) => [
    index,
    { start: { line: index + 1, column: 0 }, end: { line: index + 1, column: 1 } },
  ]
  return {
    statementMap: Object.fromEntries(text.map(range)),
    s: Object.fromEntries(text.map((_, index) => [index, 0])),
    branchMap: {},
    b: {},
  }
}

/** c8 counts every line, also those of comments and none. */
function isCode(line: string): boolean {
  return !/^\s*($|\/\/|\/\*|\*)/.test(line)
}

/** tsx puts a branch of its own behind `import()`; its place is mapped to the closing bracket. */
function isOurs({ start, end }: Range, text: readonly string[]): boolean {
  const line = text[start.line - 1]!
  return (
    start.line !== end.line || !/\bimport\(/.test(line) || /\w/.test(line.slice(start.column, end.column))
  )
}

function share({ total, missing }: Tally): string {
  const percent = (100 * (total - missing.length)) / total
  if (percent < least) process.exitCode = 1
  const shortfall = percent < least ? ` < ${least} %` : ''
  return `${total - missing.length} of ${total}, ${percent.toFixed(1)} %${shortfall}`
}
