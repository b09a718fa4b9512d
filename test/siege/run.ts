/** `npm run siege`: attackers of every kind at the program, in the memory of a container, while other clients send. */
import { amount, readArguments, whole } from '../../scripts/arguments.ts'
import { Progress } from '../../src/support/progress.ts'
import { Outcome } from './report.ts'
import { type Plan, Siege } from './siege.ts'

const usage = `Usage: npm run siege -- [options]

  --minutes N            for how long (default 5)
  --connections N        of attackers, at once (default 10000)
  --memory-limit BYTES   of the cgroup that the program runs in, or in MiB (default 512MiB)
  --rate N               messages a second of other clients (default 10)
  --seed N               how long calls to SES take (default: others each time)

Runs the program in a memory cgroup, with the settings of deploy, and attacks it with connections of every kind that holds
memory or takes CPU; each one that is ended comes back. Meanwhile clients that do nothing wrong send messages. Ends with 0
when the program lived within its memory, no message was lost, half of them were accepted within a second, and every
attacker was ended by a reply that the documentation has for it; else with 1. Ctrl-C ends it early.
`

const options = {
  minutes: { type: 'string', default: '5' },
  connections: { type: 'string', default: '10000' },
  'memory-limit': { type: 'string', default: '512MiB' },
  rate: { type: 'string', default: '10' },
  seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
} as const

const plan: Plan = readArguments(usage, options, values => ({
  ms: amount('minutes', values.minutes) * 60_000,
  connections: whole('connections', values.connections, 1),
  memoryLimitBytes: bytes('memory-limit', values['memory-limit']),
  rate: amount('rate', values.rate),
  seed: whole('seed', values.seed, 0),
}))

console.log(
  `Seed ${plan.seed}: ${plan.connections} connections of attackers, ${plan.rate} messages a second of others`,
)
const tidy: (() => Promise<void>)[] = []
const siege = await Siege.start({ after: step => tidy.unshift(step) }, plan)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => siege.halt())
const progress = new Progress(process.stdout, 'messages', { elsewhereMs: 30_000 })
const timer = setInterval(async () => {
  const peakBytes = (await siege.peakBytes().catch(() => 0)) ?? 0
  const more = `peak ${(peakBytes / 2 ** 20).toFixed(0)} MiB`
  progress.show(siege.messages.accepted.length, siege.share, more)
}, 500)
await siege.run()
clearInterval(timer)
const outcome = await Outcome.of(siege)
progress.clear()
console.log(outcome.text)
for (const step of tidy) await step()
process.exit(outcome.holds ? 0 : 1)

function bytes(name: string, text: string): number {
  const [, number = '', unit] = /^(\d+)(MiB)?$/.exec(text) ?? []
  return whole(name, number === '' ? text : number, 1) * (unit === 'MiB' ? 2 ** 20 : 1)
}
