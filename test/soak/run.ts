/**
 * `npm run soak -- [--minutes N] [--mails N] [--rate N] [--clients N] [--workers N] [--seed N] [--every SECONDS]
 * [--profile calm|restarts]`: sends mails through the program to a service that fails in every way, while the program
 * is restarted and killed, and keeps books of what each client heard and what the service took. Ends with 1 if a mail
 * was lost or duplicated, or anything else is wrong. Ctrl-C ends it early, books closed; a second one at once.
 */
import { parseArgs } from 'node:util'
import { Progress } from '../../src/progress.ts'
import { profiles } from './profiles.ts'
import { isClean, reportOf, showOn } from './report.ts'
import { type Plan, Soak } from './soak.ts'

const plan = read()
if (plan === undefined) {
  console.error(
    'Usage: npm run soak -- [--minutes N] [--mails N] [--rate N] [--clients N] [--workers N] [--seed N] [--every SECONDS] [--profile faulty|calm|restarts]',
  )
  process.exit(2)
}

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

function read(): Plan | undefined {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '60' },
      mails: { type: 'string', default: 'Infinity' },
      rate: { type: 'string', default: '200' },
      clients: { type: 'string', default: '64' },
      workers: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      every: { type: 'string', default: '10' },
      profile: { type: 'string', default: 'faulty' },
    },
  })
  const { profile } = values
  const [minutes, every, mails, rate] = [values.minutes, values.every, values.mails, values.rate].map(Number)
  const [clients, workers, seed] = [values.clients, values.workers, values.seed].map(Number)
  const isRight =
    [minutes!, every!, mails!, rate!].every(number => number > 0) &&
    [clients!, workers!].every(number => Number.isInteger(number) && number > 0) &&
    Number.isInteger(seed!)
  if (!isRight || !isProfile(profile)) return undefined
  return {
    seed: seed!,
    ms: minutes! * 60_000,
    mails: mails!,
    rate: rate!,
    clients: clients!,
    workers: workers!,
    profile,
    happenEveryMs: every! * 1000,
    happenings: Number.POSITIVE_INFINITY,
    drainMs: 8_000,
    upstreamMs: 5_000,
  }
}

function isProfile(name: string): name is keyof typeof profiles {
  return Object.hasOwn(profiles, name)
}
