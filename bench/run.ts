/** `npm run bench`: what a mail costs the engine and the whole program, beside others; all in one run. */
import { readFileSync, writeFileSync } from 'node:fs'
import { readArguments } from '../scripts/arguments.ts'
import { here } from './child.ts'
import { measure } from './measure.ts'
import { page } from './page.ts'
import { plot } from './plot.ts'
import { quoteIn } from './quote.ts'

const usage = `Usage: npm run bench -- [options]

  --quick    takes under a minute, and writes nothing
  --write    writes all the same

Measures what a mail costs the engine and the whole program, beside a socket that parses nothing, nodemailer's
smtp-server, and a relay with the AWS SDK as it comes. Takes some seven minutes, prints the results, and writes them to
bench/RESULTS.md, bench/results.svg and README.md. Times on shared machines drift: compare figures of one run only.
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
    writeFileSync(here('RESULTS.md'), page(results, 'results.svg'))
    writeFileSync(here('results.svg'), plot(results))
    const readme = here('../README.md')
    writeFileSync(readme, quoteIn(readFileSync(readme, 'utf8'), results))
  }
} catch (error) {
  console.error(`\nNothing was written: ${(error as Error).message}`)
  // What still runs ends with this process.
  process.exit(1)
}
