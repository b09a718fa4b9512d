/**
 * `npm run fuzz -- [--minutes N] [--inputs N] [--seed N]`: tries the claims with ever new inputs, until the time is
 * over or enough inputs were tried, whichever comes first. Ends with 1 at the first input for which a claim does not
 * hold, and prints the claim, the seed, and the smallest such input that was found.
 */
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { Progress } from '../../src/progress.ts'
import { claims } from './claims.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: 'Infinity' },
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
})
const [minutes, inputs, firstSeed] = [values.minutes, values.inputs, values.seed].map(Number) as [
  number,
  number,
  number,
]
if (!(minutes > 0 && inputs > 0 && Number.isInteger(firstSeed))) {
  console.error('Usage: npm run fuzz -- [--minutes N] [--inputs N] [--seed N]')
  process.exit(2)
}

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
