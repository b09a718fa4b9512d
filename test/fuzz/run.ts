/** `npm run fuzz`: tests the claims with many random inputs. */
import fc from 'fast-check'
import { amount, readArguments, whole } from '../../scripts/arguments.ts'
import { Progress } from '../../src/support/progress.ts'
import { claims } from './claims.ts'

const usage = `Usage: npm run fuzz -- [options]

  --inputs N    number of inputs (default 1000000)
  --minutes N   duration (default: until all inputs are tested)
  --seed N      seed of the inputs (default: a new one)

The exit status is 0 if every claim holds. At the first input for which a claim does not hold, it prints the smallest such
input with its seed, and exits with status 1.
`

const options = {
  minutes: { type: 'string', default: 'Infinity' },
  inputs: { type: 'string', default: '1000000' },
  seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
} as const

const { minutes, inputs, firstSeed } = readArguments(usage, options, values => ({
  minutes: amount('minutes', values.minutes),
  inputs: amount('inputs', values.inputs),
  firstSeed: whole('seed', values.seed, 0),
}))

const begun = performance.now()
const perRound = claims.reduce((sum, { runs }) => sum + runs, 0)
const progress = new Progress(process.stderr, 'inputs')
let tested = 0
const share = () => Math.max(tested / inputs, (performance.now() - begun) / (minutes * 60_000))
console.log(`Seed ${firstSeed}: ${claims.length} claims, ${perRound} inputs per round`)
for (let seed = firstSeed; share() < 1; seed++) {
  for (const { text, runs, property } of claims) {
    const details = await fc.check(property as fc.IAsyncProperty<unknown>, { numRuns: runs, seed })
    tested += details.numRuns
    progress.show(tested, share())
    if (!details.failed) continue
    progress.clear()
    console.error(`Does not hold: ${text}\nSeed ${seed}; repeat it with: npm run fuzz -- --seed ${seed}`)
    console.error(fc.defaultReportMessage(details))
    process.exit(1)
  }
  // On a terminal the progress line is enough.
  if (!process.stderr.isTTY) printSummary()
}
progress.clear()
if (process.stderr.isTTY) printSummary()

function printSummary(): void {
  const seconds = (performance.now() - begun) / 1000
  console.log(
    `${tested} inputs, ${Math.round(tested / seconds)} per second, ${Math.round(seconds)} s: all claims hold`,
  )
}
