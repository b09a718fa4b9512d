/**
 * `npm run mutants`: Stryker changes the parsers of content, lines, addresses and parameters, and the error table, in many
 * small ways, and runs their tests with each change. A change that no test detects survives. Either a test is missing, or
 * the change has no effect and survivors.yaml explains it. Exits with status 1 if the survivors differ from that list.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/** The report of Stryker. */
interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>
}

interface Mutant {
  /** `Survived`, `NoCoverage` if no test ran it, or another status if a test failed or did not end. */
  readonly status: string
  readonly replacement: string
  /** Lines and columns from 1. */
  readonly location: { readonly start: Position; readonly end: Position }
}

interface Position {
  readonly line: number
  readonly column: number
}

/** Why mutants of a file have no effect. */
interface Explanation {
  readonly file: string
  readonly why: string
  /** By the line in which a mutant begins: the original code, an arrow, and its replacement. */
  readonly survive: Readonly<Record<string, readonly string[]>>
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const root = here('../..')

setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
const stryker = here('node_modules/@stryker-mutator/core/bin/stryker.js')
// 1,000 inputs are enough to detect a mutant. More would slow down every mutant.
const env = { ...process.env, FUZZ_RUNS: '1000' }
const { status } = spawnSync(process.execPath, [stryker, 'run', here('stryker.config.json')], {
  cwd: root,
  env,
  stdio: 'inherit',
})
if (status !== 0) process.exit(1)

const { files } = JSON.parse(readFileSync(`${root}/.mutants/report.json`, 'utf8')) as Report
const explanations = parse(readFileSync(here('survivors.yaml'), 'utf8')) as readonly Explanation[]
const table = [['File', 'mutants', 'killed', 'explained', 'left']]
const problems: string[] = []
for (const [file, { source, mutants }] of Object.entries(files)) {
  const lines = source.split('\n')
  const known = explainedOf(file)
  const found = new Set<string>()
  const counts = { killed: 0, explained: 0, left: 0 }
  for (const mutant of mutants) {
    const name = describe(mutant, lines)
    const alive = mutant.status === 'Survived' || mutant.status === 'NoCoverage'
    // A mutant that is only slower may time out on one machine and not on another.
    const explained = known.has(name) && (alive || mutant.status === 'Timeout')
    if (explained) found.add(name)
    else if (alive)
      problems.push(`${file}:${mutant.location.start.line} survives without an explanation
${name}`)
    counts[explained ? 'explained' : alive ? 'left' : 'killed']++
  }
  for (const name of known)
    if (!found.has(name))
      problems.push(`${file} has an explanation of a mutant that does not survive\n${name}`)
  table.push([file, ...[mutants.length, counts.killed, counts.explained, counts.left].map(String)])
}
for (const { file } of explanations)
  if (!files[file]) problems.push(`${file} has an explanation, but is not mutated`)

console.log()
for (const [file, ...counts] of table)
  console.log(file!.padEnd(36) + counts.map(text => text.padStart(11)).join(''))
for (const problem of problems) console.error(`\n${problem}`)
if (problems.length > 0) process.exitCode = 1

function explainedOf(file: string): ReadonlySet<string> {
  const lines = explanations
    .filter(one => one.file === file)
    .flatMap(({ survive }) => Object.entries(survive))
  return new Set(lines.flatMap(([line, changes]) => changes.map(change => nameOf(line, change))))
}

/** Names a mutant by its line and its change, so that the name does not depend on other lines. */
function describe({ location: { start, end }, replacement }: Mutant, lines: readonly string[]): string {
  const text = lines.slice(start.line - 1, end.line)
  text[text.length - 1] = text.at(-1)!.slice(0, end.column - 1)
  text[0] = text[0]!.slice(start.column - 1)
  return nameOf(lines[start.line - 1]!, `${short(text.join(' '))} → ${short(replacement)}`)
}

function nameOf(line: string, change: string): string {
  return `  ${line.trim()}\n    ${change}`
}

/** Returns a text as one line. Shortens a long text in the middle. */
function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 100 ? `${line.slice(0, 60)} … ${line.slice(-30)}` : line
}
