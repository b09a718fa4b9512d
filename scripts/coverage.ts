/**
 * `npm run coverage`: measures which lines and branches of the engine, `auth` and `relay` the given test files run. It
 * prints a table of these modules and every place that was not run. It exits with status 1 if a module is below the
 * limit, or a test fails. docs/testing.md explains the places that remain.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Limit for the lines and the branches of each module, in percent. */
const minPercent = 95
const modules = ['src/protocol', 'src/auth', 'src/relay']

/** The coverage of a file in the format of Istanbul: how often each line and each branch was run. */
interface Counts {
  readonly statementMap: Readonly<Record<string, Range>>
  readonly s: Readonly<Record<string, number>>
  readonly branchMap: Readonly<Record<string, { readonly locations: readonly Range[] }>>
  readonly b: Readonly<Record<string, readonly number[]>>
}

/** A range in a file. Lines start at 1, columns at 0. */
interface Range {
  readonly start: { readonly line: number; readonly column: number }
  readonly end: { readonly line: number; readonly column: number }
}

/** The number of lines or branches, and those that were not run. */
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
const table = [['Module', 'Lines', 'Branches']]
const missing: string[] = []
for (const module of modules) {
  const lines: Tally = { total: 0, missing: [] }
  const branches: Tally = { total: 0, missing: [] }
  for (const file of filesOf(module)) await count(file, lines, branches)
  table.push([module, share(lines), share(branches)])
  missing.push(...lines.missing, ...branches.missing)
}
for (const [module, ...shares] of table)
  console.log(module!.padEnd(14) + shares.map(text => text.padStart(24)).join(''))
if (missing.length > 0) console.log(`\nNot run:\n${missing.join('\n')}`)

/** Runs the tests with c8. Returns false, and prints their output, if a test failed. */
function runTests(files: readonly string[]): boolean {
  const c8 = fileURLToPath(import.meta.resolve('c8/bin/c8.js'))
  const counting = ['--reporter', 'json', '-o', output, ...modules.flatMap(module => ['-n', `${module}/**`])]
  const testing = ['node', '--import', 'tsx', '--test', '--test-concurrency=3', ...files]
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [c8, ...counting, ...testing], options)
  if (status !== 0) console.error(stdout + stderr)
  return status === 0
}

function filesOf(module: string): readonly string[] {
  const names = readdirSync(join(root, module), { recursive: true, encoding: 'utf8' })
  return names
    .filter(name => name.endsWith('.ts'))
    .sort()
    .map(name => `${module}/${name}`)
}

async function count(file: string, lines: Tally, branches: Tally): Promise<void> {
  const path = join(root, file)
  const text = readFileSync(path, 'utf8').split('\n')
  const of = (line: number) => `${file}:${line}  ${text[line - 1]!.trim()}`
  const found = counts[path]
  // A file with only types is never loaded. No line of any other unloaded file was run.
  if (found === undefined && Object.keys(await import(path)).length === 0) return
  const { statementMap, s, branchMap, b } = found ?? unloaded(text)
  for (const [key, { start }] of Object.entries(statementMap)) {
    if (!isCode(text[start.line - 1]!)) continue
    lines.total++
    if (s[key] === 0) lines.missing.push(of(start.line))
  }
  for (const [key, { locations }] of Object.entries(branchMap)) {
    for (const [index, range] of locations.entries()) {
      if (!isSourceBranch(range, text)) continue
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

/** Returns true for a line of code. c8 also counts comments and empty lines. */
function isCode(line: string): boolean {
  return !/^\s*($|\/\/|\/\*|\*)/.test(line)
}

/** Returns false for the branch that tsx adds to `import()`, which is mapped to the closing bracket. */
function isSourceBranch({ start, end }: Range, text: readonly string[]): boolean {
  const line = text[start.line - 1]!
  return (
    start.line !== end.line || !/\bimport\(/.test(line) || /\w/.test(line.slice(start.column, end.column))
  )
}

function share({ total, missing }: Tally): string {
  const percent = (100 * (total - missing.length)) / total
  if (percent < minPercent) process.exitCode = 1
  const shortfall = percent < minPercent ? ` < ${minPercent} %` : ''
  return `${total - missing.length} of ${total}, ${percent.toFixed(1)} %${shortfall}`
}
