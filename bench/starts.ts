import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { figureOf, type Results, type StartCost } from './results.ts'
import type { Start } from './subject.ts'
import { startSubject } from './subjects.ts'

/** Starts each several times, in turns. The probe's own start is counted with it: some 10 ms. */
export async function measureStarts(times: number): Promise<Pick<Results, 'starts' | 'emptyStart'>> {
  const discard: Start[] = []
  const ses: Start[] = []
  const empty: Omit<Start, 'awsClients'>[] = []
  for (let i = 0; i < times; i++) {
    discard.push(await startOf('discard'))
    ses.push(await startOf('ses'))
    empty.push(await startEmpty())
  }
  return { starts: { discard: costOf(discard), ses: costOf(ses) }, emptyStart: timesOf(empty) }
}

async function startOf(name: 'discard' | 'ses'): Promise<Start> {
  const subject = await startSubject(name)
  await subject.stop()
  return subject.start
}

/** `node -e ''`, but that it tells its CPU; to its end. */
async function startEmpty(): Promise<Omit<Start, 'awsClients'>> {
  const begun = performance.now()
  const words = ['-p', 'JSON.stringify(process.cpuUsage())']
  const { stdout } = await promisify(execFile)(process.execPath, words)
  const { user, system } = JSON.parse(stdout) as NodeJS.CpuUsage
  return { ms: performance.now() - begun, cpuMs: (user + system) / 1000 }
}

function costOf(starts: readonly Start[]): StartCost {
  return { ...timesOf(starts), awsClients: starts[0]!.awsClients }
}

function timesOf(starts: readonly Omit<Start, 'awsClients'>[]): Omit<StartCost, 'awsClients'> {
  return { ms: figureOf(starts.map(({ ms }) => ms)), cpuMs: figureOf(starts.map(({ cpuMs }) => cpuMs)) }
}
