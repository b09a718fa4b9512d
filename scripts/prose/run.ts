/**
 * Prints each place where prose breaks a rule: in comments and test titles of TypeScript and JavaScript, messages of `src`,
 * pages, titles of transcripts, comments of configuration files. Exits with 1 if there is a finding.
 *
 *     npm run prose              the whole repository
 *     npm run prose src docs     files below these paths
 *     npm run prose -- --count   the number of findings, by folder and by rule
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isExcepted, lint } from './lint.ts'
import { exceptions } from './rules.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Files of other projects, generated files, and the rules themselves, which quote what they forbid. */
const skipped =
  /^(?:.*\/)?(?:node_modules|dist|coverage|maildir|\.git|\.mutants)$|^docs\/api$|^scripts\/prose\/rules\.ts$|^test\/repository\/prose\.test\.ts$/

// A reader such as head has closed the pipe.
process.stdout.on('error', () => process.exit(1))

const args = process.argv.slice(2)
const wanted = args.filter(arg => !arg.startsWith('--')).map(path => path.replace(/^\.\/|\/$/g, ''))
const isWanted = (path: string) =>
  wanted.length === 0 || wanted.some(below => path === below || path.startsWith(`${below}/`))

const unused = new Set(exceptions.filter(({ path }) => isWanted(path)))
const findings = filesIn('')
  .filter(isWanted)
  .flatMap(path => {
    const text = readFileSync(root + path, 'utf8')
    const lines = text.split('\n')
    return lint(path, text).filter(finding => {
      const exception = exceptions.find(each => isExcepted(each, finding, lines[finding.line - 1]!))
      if (exception) unused.delete(exception)
      return exception === undefined
    })
  })

if (args.includes('--count')) {
  print(
    countsOf(
      findings.map(({ path }) => (path.includes('/') ? path.split('/').slice(0, 2) : ['.', path]).join('/')),
    ),
  )
  print('')
  print(countsOf(findings.map(({ rule }) => rule.name)))
} else {
  for (const { path, line, rule, words } of findings)
    print(`${path}:${line} ${rule.name} "${words}": ${rule.advice}`)
}
for (const { path, words } of unused) print(`${path} "${words}": an exception that no finding needs`)
const total = findings.length + unused.size
print(`${total} finding${total === 1 ? '' : 's'} in prose`)
process.exitCode = total === 0 ? 0 : 1

function filesIn(folder: string): readonly string[] {
  return readdirSync(root + folder, { withFileTypes: true }).flatMap(entry => {
    const path = folder + entry.name
    if (skipped.test(path)) return []
    if (entry.isDirectory()) return filesIn(`${path}/`)
    return entry.isFile() ? [path] : []
  })
}

/** A line for each name with its count, the most frequent first. */
function countsOf(names: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${String(count).padStart(5)}  ${name}`)
    .join('\n')
}

function print(text: string) {
  process.stdout.write(`${text}\n`)
}
