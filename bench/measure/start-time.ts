import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { figureOf, type Results, type StartCost } from '../report/results.ts'
import type { Start } from '../servers/server-process.ts'
import { startServer } from '../servers/servers.ts'

/** Starts each server several times, in turns. The times include about 10 ms for the probe. */
export async function measureStartTime(times: number): Promise<Pick<Results, 'starts' | 'emptyStart'>> {
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
  const server = await startServer(name)
  await server.stop()
  return server.start
}

/** Runs Node.js with a program that only prints its CPU time, until it ends. */
async function startEmpty(): Promise<Omit<Start, 'awsClients'>> {
  const begun = performance.now()
  const args = ['-p', 'JSON.stringify(process.cpuUsage())']
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const { user, system } = JSON.parse(stdout) as NodeJS.CpuUsage
  return { ms: performance.now() - begun, cpuMs: (user + system) / 1000 }
}

function costOf(starts: readonly Start[]): StartCost {
  return { ...timesOf(starts), awsClients: starts[0]!.awsClients }
}

function timesOf(starts: readonly Omit<Start, 'awsClients'>[]): Omit<StartCost, 'awsClients'> {
  return { ms: figureOf(starts.map(({ ms }) => ms)), cpuMs: figureOf(starts.map(({ cpuMs }) => cpuMs)) }
}
