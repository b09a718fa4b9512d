import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { MemoryPressure } from '../report/results.ts'
import { benchPath, MeasuredChild } from '../servers/child-process.ts'
import type { FakeSes } from '../servers/fake-ses.ts'
import { startServer } from '../servers/servers.ts'

const budgetMebibytes = 256
const messageBytes = 9_000_000

type Outcomes = Pick<MemoryPressure, 'accepted' | 'deferred' | 'rejected' | 'unanswered'>

/** Measures the program, `-r ses`, with clients that each send 9 MB at the same time. */
export async function measureMemoryPressure(clients: number, fakeSes: FakeSes): Promise<MemoryPressure> {
  const hasBudget = await supportsBudget()
  const args = hasBudget ? ['--message-memory', `${budgetMebibytes}MiB`] : []
  const server = await startServer('ses', fakeSes.port, args)
  const before = await fakeSes.messages()
  await server.usage('begin')
  const clientProcess = new MeasuredChild('load/large-messages.mjs', [server.port, clients, messageBytes])
  const outcomes = await clientProcess.request<Outcomes>()
  await clientProcess.stop()
  const results = {
    clients,
    budgetBytes: hasBudget ? budgetMebibytes * 2 ** 20 : 0,
    ...outcomes,
    delivered: (await fakeSes.messages()) - before,
  }
  try {
    const { peakBytes, stallMs } = await server.usage('end')
    return { ...results, peakBytes, stallMs }
  } catch (error) {
    return { ...results, peakBytes: Number.NaN, stallMs: Number.NaN, exitReason: (error as Error).message }
  } finally {
    await server.stop()
  }
}

/** Returns true if the program has an option for the memory of messages. */
async function supportsBudget(): Promise<boolean> {
  const { stdout } = await promisify(execFile)(process.execPath, [benchPath('../dist/cli.js'), '--help'])
  return /--message-memory(?![\w-])/.test(stdout)
}
