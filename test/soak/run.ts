/** `npm run soak`: mails through the program to a service that fails in every way, and books of what became of them. */
import { amount, readArguments, whole } from '../../scripts/arguments.ts'
import { Progress } from '../../src/support/progress.ts'
import { profiles } from './profiles.ts'
import { isClean, reportOf, showOn } from './report.ts'
import { type Plan, Soak } from './soak.ts'

const usage = `Usage: npm run soak -- [options]

  --minutes N          for how long (default 60)
  --mails N            how many at the most (default: until the time is over)
  --rate N             mails a second (default 200)
  --clients N          that send at once (default 64)
  --workers N          of the program (default 1)
  --profile NAME       what happens: ${Object.keys(profiles).join(', ')} (default faulty)
  --every SECONDS      between two happenings (default 10)
  --seed N             which faults (default: others each time)

Sends mails through the program to a service that fails in every way, while the program is stopped, killed and started,
and keeps books of what each client heard and what the service took. Ends with 0 when no mail was lost or came twice and
nothing else is wrong, else with 1. Ctrl-C ends it early, books closed; a second one at once.
`

const options = {
  minutes: { type: 'string', default: '60' },
  mails: { type: 'string', default: 'Infinity' },
  rate: { type: 'string', default: '200' },
  clients: { type: 'string', default: '64' },
  workers: { type: 'string', default: '1' },
  seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  every: { type: 'string', default: '10' },
  profile: { type: 'string', default: 'faulty' },
} as const

const plan: Plan = readArguments(usage, options, values => ({
  ms: amount('minutes', values.minutes) * 60_000,
  mails: amount('mails', values.mails),
  rate: amount('rate', values.rate),
  clients: whole('clients', values.clients, 1),
  workers: whole('workers', values.workers, 1),
  seed: whole('seed', values.seed, 0),
  profile: profileOf(values.profile),
  happenEveryMs: amount('every', values.every) * 1000,
  happenings: Number.POSITIVE_INFINITY,
  drainMs: 8_000,
  upstreamMs: 5_000,
}))

console.log(
  `Seed ${plan.seed}, profile ${plan.profile}: ${plan.rate} mails a second from ${plan.clients} clients`,
)
const soak = await Soak.start(plan)
/** One Ctrl-C may come twice: from the terminal, and from npm, which passes it on. */
const sameMs = 500
let askedAt: number | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    askedAt ??= performance.now()
    if (performance.now() - askedAt > sameMs) process.exit(1)
    soak.halt()
  })
}
const progress = new Progress(process.stdout, 'mails', { elsewhereMs: 30_000 })
const timer = setInterval(() => showOn(progress, soak), 500)
await soak.run()
clearInterval(timer)
await soak.close()
progress.clear()
console.log(reportOf(soak))
process.exit(isClean(soak) ? 0 : 1)

function profileOf(name: string): keyof typeof profiles {
  if (Object.hasOwn(profiles, name)) return name as keyof typeof profiles
  throw new Error(`--profile ${name}: not one of ${Object.keys(profiles).join(', ')}`)
}
