/** `npm run soak`: sends messages through the program to a faulty SES, and checks that none is lost or duplicated. */
import { amount, readArguments, whole } from '../../scripts/arguments.ts'
import { Progress } from '../../src/support/progress.ts'
import { profiles } from './disruptions.ts'
import { isClean, reportOf, showOn } from './report.ts'
import { Soak, type SoakOptions } from './soak.ts'

const usage = `Usage: npm run soak -- [options]

  --minutes N          duration (default 60)
  --messages N         largest number of messages (default: no limit)
  --rate N             messages per second (default 200)
  --clients N          concurrent clients (default 64)
  --workers N          workers of the program (default 1)
  --profile NAME       kind of soak: ${Object.keys(profiles).join(', ')} (default faulty)
  --every SECONDS      time between two disruptions (default 10)
  --seed N             seed of the faults (default: a new one)

Sends messages through the program to a fake SES that fails in every way, while the program is stopped, killed and
started. A ledger records the replies that each client got and the calls that the service accepted. The exit status is 0
if no message was lost or duplicated and nothing else is wrong, else 1. Ctrl-C ends the soak early, with a report. A
second Ctrl-C ends it immediately.
`

const options = {
  minutes: { type: 'string', default: '60' },
  messages: { type: 'string', default: 'Infinity' },
  rate: { type: 'string', default: '200' },
  clients: { type: 'string', default: '64' },
  workers: { type: 'string', default: '1' },
  seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  every: { type: 'string', default: '10' },
  profile: { type: 'string', default: 'faulty' },
} as const

const soakOptions: SoakOptions = readArguments(usage, options, values => ({
  ms: amount('minutes', values.minutes) * 60_000,
  messages: amount('messages', values.messages),
  rate: amount('rate', values.rate),
  clients: whole('clients', values.clients, 1),
  workers: whole('workers', values.workers, 1),
  seed: whole('seed', values.seed, 0),
  profile: profileOf(values.profile),
  disruptEveryMs: amount('every', values.every) * 1000,
  maxDisruptions: Number.POSITIVE_INFINITY,
  drainMs: 8_000,
  upstreamMs: 5_000,
}))

console.log(
  `Seed ${soakOptions.seed}, profile ${soakOptions.profile}: ${soakOptions.rate} messages per second from ${soakOptions.clients} clients`,
)
const soak = await Soak.start(soakOptions)
/** One Ctrl-C may arrive twice: from the terminal, and forwarded by npm. */
const sameMs = 500
let interruptedAt: number | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interruptedAt ??= performance.now()
    if (performance.now() - interruptedAt > sameMs) process.exit(1)
    soak.stopEarly()
  })
}
const progress = new Progress(process.stdout, 'messages', { elsewhereMs: 30_000 })
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
