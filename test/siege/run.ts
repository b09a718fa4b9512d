/** `npm run siege`: attacks the program in a memory cgroup, while well-behaved clients send messages. */
import { amount, readArguments, whole } from '../../scripts/arguments.ts'
import { Progress } from '../../src/support/progress.ts'
import { SiegeReport } from './report.ts'
import { Siege, type SiegeOptions } from './siege.ts'

const usage = `Usage: npm run siege -- [options]

  --minutes N            duration (default 5)
  --connections N        concurrent connections of attackers (default 10000)
  --memory-limit BYTES   limit of the program's memory cgroup, in bytes or MiB (default 512MiB)
  --rate N               messages per second of other clients (default 10)
  --seed N               seed of the durations of calls to SES (default: a new one)

Runs the program in a memory cgroup with the settings of deploy, and attacks it with connections that use memory or CPU.
Closed connections are replaced. Meanwhile well-behaved clients send messages. The exit status is 0 if the program stayed
within its memory, no message was lost, half of the messages were accepted within a second, and every attack ended as
documented, else 1. Ctrl-C ends it early.
`

const options = {
  minutes: { type: 'string', default: '5' },
  connections: { type: 'string', default: '10000' },
  'memory-limit': { type: 'string', default: '512MiB' },
  rate: { type: 'string', default: '10' },
  seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
} as const

const plan: SiegeOptions = readArguments(usage, options, values => ({
  ms: amount('minutes', values.minutes) * 60_000,
  connections: whole('connections', values.connections, 1),
  memoryLimitBytes: bytes('memory-limit', values['memory-limit']),
  rate: amount('rate', values.rate),
  seed: whole('seed', values.seed, 0),
}))

console.log(
  `Seed ${plan.seed}: ${plan.connections} connections of attackers, ${plan.rate} messages per second of others`,
)
const cleanUp: (() => Promise<void>)[] = []
const siege = await Siege.start({ after: step => cleanUp.unshift(step) }, plan)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => siege.stopEarly())
const progress = new Progress(process.stdout, 'messages', { elsewhereMs: 30_000 })
const timer = setInterval(async () => {
  const peakBytes = (await siege.peakBytes().catch(() => 0)) ?? 0
  const more = `peak ${(peakBytes / 2 ** 20).toFixed(0)} MiB`
  progress.show(siege.messages.accepted.length, siege.progress, more)
}, 500)
await siege.run()
clearInterval(timer)
const outcome = await SiegeReport.of(siege)
progress.clear()
console.log(outcome.text)
for (const step of cleanUp) await step()
process.exit(outcome.holds ? 0 : 1)

function bytes(name: string, text: string): number {
  const [, number = '', unit] = /^(\d+)(MiB)?$/.exec(text) ?? []
  return whole(name, number === '' ? text : number, 1) * (unit === 'MiB' ? 2 ** 20 : 1)
}
