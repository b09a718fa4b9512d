/**
 * What a mail costs the engine and the whole program, beside a socket that parses nothing, nodemailer's smtp-server, and a
 * relay with the AWS SDK as it comes; all in one run.
 *
 *     npm run bench                      measures, prints, and writes RESULTS.md, results.svg and the README's figures
 *     npm run bench -- --quick           under a minute, prints only
 *     npm run bench -- --quick --write   writes them all the same
 *
 * Times on shared machines drift: compare figures of one run only.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { here } from './child.ts'
import { measure } from './measure.ts'
import { page } from './page.ts'
import { plot } from './plot.ts'
import { quoteIn } from './quote.ts'

const words = process.argv.slice(2)
const unknown = words.find(word => word !== '--quick' && word !== '--write')
if (unknown !== undefined) {
  console.error(`${unknown} is none of --quick and --write`)
  process.exit(2)
}
const quick = words.includes('--quick')

try {
  const results = await measure(quick)
  console.log(page(results))
  if (!quick || words.includes('--write')) {
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
