/** `npm run bench`: measures what a message costs the engine, the whole program and other servers, all in one run. */
import { readFileSync, writeFileSync } from 'node:fs'
import { readArguments } from '../scripts/arguments.ts'
import { measure } from './measure/measure.ts'
import { page } from './report/page.ts'
import { plot } from './report/plot.ts'
import { updateReadme } from './report/update-readme.ts'
import { benchPath } from './servers/child-process.ts'

const usage = `Usage: npm run bench -- [options]

  --quick    measure for less than a minute, and write no files
  --write    write the files even with --quick

Measures what a message costs the engine, the whole program, a socket that parses nothing, nodemailer's smtp-server, and
a relay with the AWS SDK with default settings. It takes about seven minutes, prints the results, and writes them to
bench/RESULTS.md, bench/results.svg and README.md. Times vary on shared machines: compare only figures of one run.
`

const options = {
  quick: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
} as const

const { quick, write } = readArguments(usage, options, values => values)

try {
  const results = await measure(quick)
  console.log(page(results))
  if (!quick || write) {
    writeFileSync(benchPath('RESULTS.md'), page(results, 'results.svg'))
    writeFileSync(benchPath('results.svg'), plot(results))
    const readme = benchPath('../README.md')
    writeFileSync(readme, updateReadme(readFileSync(readme, 'utf8'), results))
  }
} catch (error) {
  console.error(`\nNo files were written: ${(error as Error).message}`)
  // The child processes end with this process.
  process.exit(1)
}
