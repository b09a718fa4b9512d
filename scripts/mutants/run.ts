/**
 * `npm run mutants`: changes the reading of content, lines, addresses and parameters, and the table of failures, in every
 * small way that Stryker knows, and runs their tests with each change. A change that no test notices survives: then a
 * test is missing, or it makes no difference, and survivors.yaml says why. Ends with 1 where the two do not agree.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/** What became of each mutant. */
interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>
}

interface Mutant {
  /** `Survived`, or `NoCoverage`, where no test ran it; else something failed, or did not end. */
  readonly status: string
  readonly replacement: string
  /** Lines and columns from 1. */
  readonly location: { readonly start: Position; readonly end: Position }
}

interface Position {
  readonly line: number
  readonly column: number
}

/** Why mutants of a file make no difference. */
interface Explanation {
  readonly file: string
  readonly why: string
  /** By the line in which a mutant begins: what stands there, an arrow, what stands there instead. */
  readonly survive: Readonly<Record<string, readonly string[]>>
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const root = here('../..')

setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
const stryker = here('node_modules/@stryker-mutator/core/bin/stryker.js')
// A thousand inputs show what a mutant does; more take longer for every one.
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
const complaints: string[] = []
for (const [file, { source, mutants }] of Object.entries(files)) {
  const lines = source.split('\n')
  const known = explainedOf(file)
  const found = new Set<string>()
  const counts = { killed: 0, explained: 0, left: 0 }
  for (const mutant of mutants) {
    const name = describe(mutant, lines)
    const alive = mutant.status === 'Survived' || mutant.status === 'NoCoverage'
    // What only makes it slower may take too long on one machine, and not on another.
    const explained = known.has(name) && (alive || mutant.status === 'Timeout')
    if (explained) found.add(name)
    else if (alive) complaints.push(`${file}:${mutant.location.start.line} survives\n${name}`)
    counts[explained ? 'explained' : alive ? 'left' : 'killed']++
  }
  for (const name of known)
    if (!found.has(name)) complaints.push(`${file} does not survive this any more\n${name}`)
  table.push([file, ...[mutants.length, counts.killed, counts.explained, counts.left].map(String)])
}
for (const { file } of explanations) if (!files[file]) complaints.push(`${file} is not changed at all`)

console.log()
for (const [file, ...counts] of table)
  console.log(file!.padEnd(36) + counts.map(text => text.padStart(11)).join(''))
for (const complaint of complaints) console.error(`\n${complaint}`)
if (complaints.length > 0) process.exitCode = 1

function explainedOf(file: string): ReadonlySet<string> {
  const lines = explanations
    .filter(one => one.file === file)
    .flatMap(({ survive }) => Object.entries(survive))
  return new Set(lines.flatMap(([line, changes]) => changes.map(change => nameOf(line, change))))
}

/** A mutant by its line and what is changed there, so that its name stays while other lines change. */
function describe({ location: { start, end }, replacement }: Mutant, lines: readonly string[]): string {
  const text = lines.slice(start.line - 1, end.line)
  text[text.length - 1] = text.at(-1)!.slice(0, end.column - 1)
  text[0] = text[0]!.slice(start.column - 1)
  return nameOf(lines[start.line - 1]!, `${short(text.join(' '))} → ${short(replacement)}`)
}

function nameOf(line: string, change: string): string {
  return `  ${line.trim()}\n    ${change}`
}

/** In one line, and what is long by its beginning and its end. */
function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 100 ? `${line.slice(0, 60)} … ${line.slice(-30)}` : line
}
