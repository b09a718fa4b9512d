/** `npm run fuzz`: tries the claims with ever new inputs. */
import fc from 'fast-check'
import { amount, readArguments, whole } from '../../scripts/arguments.ts'
import { Progress } from '../../src/support/progress.ts'
import { claims } from './claims.ts'

const usage = `Usage: npm run fuzz -- [options]

  --inputs N    how many are tried (default 1000000)
  --minutes N   for how long (default: until all inputs are tried)
  --seed N      which inputs (default: others each time)

Ends with 0 when every claim held, with 1 at the first input for which one does not: it is made as small as can be, and
printed with the seed.
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
let tried = 0
const share = () => Math.max(tried / inputs, (performance.now() - begun) / (minutes * 60_000))
console.log(`Seed ${firstSeed}: ${claims.length} claims, ${perRound} inputs a round`)
for (let seed = firstSeed; share() < 1; seed++) {
  for (const { text, runs, property } of claims) {
    const details = await fc.check(property as fc.IAsyncProperty<unknown>, { numRuns: runs, seed })
    tried += details.numRuns
    progress.show(tried, share())
    if (!details.failed) continue
    progress.clear()
    console.error(`Does not hold: ${text}\nSeed ${seed}; to see it again: npm run fuzz -- --seed ${seed}`)
    console.error(fc.defaultReportMessage(details))
    process.exit(1)
  }
  // A terminal has the line that moves.
  if (!process.stderr.isTTY) tell()
}
progress.clear()
if (process.stderr.isTTY) tell()

function tell(): void {
  const seconds = (performance.now() - begun) / 1000
  console.log(
    `${tried} inputs, ${Math.round(tried / seconds)} a second, ${Math.round(seconds)} s: all claims hold`,
  )
}
