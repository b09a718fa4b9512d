/**
 * `npm run bench [-- --quick]`: what a mail costs the engine (`engine.mjs`) and the whole program, beside the floor
 * (`floor.mjs`) and nodemailer's smtp-server, all in one run. Times on shared machines drift: compare figures of one run
 * only, and server CPU rather than mails per second, because the load runs on the same cores.
 */
import { type Cost, type Load, Subject } from './subject.ts'

const quick = process.argv.includes('--quick')
const rounds = quick ? 1 : 5

const subjects = {
  floor: () => Subject.start('floor.mjs', port => [String(port)]),
  engine: () => Subject.start('engine.mjs', port => [String(port)]),
  'the program, -r discard': () =>
    Subject.start('../dist/cli.js', port => ['-r', 'discard', '-a', `127.0.0.1:${port}`]),
  'smtp-server': () => Subject.start('smtp-server.mjs', port => [String(port)]),
}

const loads: Readonly<Record<string, Load>> = {
  '2 KB, connection kept': { connections: 20, mails: 20_000, bytes: 2048, connection: 'kept' },
  '2 KB, new connection each': { connections: 20, mails: 6000, bytes: 2048, connection: 'new' },
  '100 KB': { connections: 8, mails: 10_000, bytes: 100_000, connection: 'kept' },
  '9 MB': { connections: 4, mails: 200, bytes: 9_000_000, connection: 'kept' },
}

console.log(`Node.js ${process.version}, ${rounds === 1 ? 'one round' : `the median of ${rounds} rounds`}`)
for (const [name, load] of Object.entries(loads)) {
  const scale = quick ? 0.3 : 1
  const mails = Math.ceil(load.mails * scale)
  // smtp-server waits before it greets.
  const loadOf = (subject: string): Load => {
    const few = subject === 'smtp-server' && load.connection === 'new' ? 0.1 : 1
    return { ...load, mails: Math.ceil(mails * few) }
  }
  const running: Record<string, Subject> = {}
  const costs: Record<string, Cost[]> = {}
  for (const [subject, start] of Object.entries(subjects)) {
    running[subject] = await start()
    costs[subject] = []
    // What is compiled on its first calls is no part of what a mail costs.
    await running[subject].bear(loadOf(subject))
  }
  // In turns, so that what else the machine does falls on all of them.
  for (let round = 0; round < rounds; round++) {
    for (const subject of Object.keys(subjects)) {
      costs[subject]!.push(await running[subject]!.bear(loadOf(subject)))
    }
  }
  for (const subject of Object.values(running)) await subject.stop()
  print(name, costs)
}

function print(load: string, costs: Readonly<Record<string, readonly Cost[]>>): void {
  console.log(`\n${load.padEnd(28)}CPU ms a mail   of floor   mails/s   stall ms`)
  const floor = median(costs.floor!.map(cost => cost.cpuMsPerMail))
  for (const [subject, all] of Object.entries(costs)) {
    const cpuMs = median(all.map(cost => cost.cpuMsPerMail))
    console.log(
      subject.padEnd(28) +
        cpuMs.toFixed(3).padStart(13) +
        (cpuMs / floor).toFixed(2).padStart(11) +
        median(all.map(cost => cost.mailsPerSecond))
          .toFixed(0)
          .padStart(10) +
        median(all.map(cost => cost.stallMs))
          .toFixed(1)
          .padStart(11),
    )
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!
}
