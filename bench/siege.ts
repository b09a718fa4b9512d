import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Child, here } from './child.ts'
import type { Siege } from './results.ts'
import type { SesSink } from './ses-sink.ts'
import { startSubject } from './subjects.ts'

const budgetMebibytes = 256
const mailBytes = 9_000_000

type Outcomes = Pick<Siege, 'taken' | 'deferred' | 'refused' | 'silent'>

/** So many clients that each send 9 MB at once to the program, `-r ses`. */
export async function measureSiege(clients: number, sink: SesSink): Promise<Siege> {
  const limited = await takesBudget()
  const words = limited ? ['--message-memory', `${budgetMebibytes}MiB`] : []
  const subject = await startSubject('ses', sink.port, words)
  const before = await sink.mails()
  await subject.usage('begin')
  const crowd = new Child('siege.mjs', [subject.port, clients, mailBytes])
  const outcomes = await crowd.ask<Outcomes>()
  await crowd.stop()
  const found = {
    clients,
    budgetBytes: limited ? budgetMebibytes * 2 ** 20 : 0,
    ...outcomes,
    arrived: (await sink.mails()) - before,
  }
  try {
    const { peakBytes, stallMs } = await subject.usage('end')
    return { ...found, peakBytes, stallMs }
  } catch (error) {
    return { ...found, peakBytes: Number.NaN, stallMs: Number.NaN, died: (error as Error).message }
  } finally {
    await subject.stop()
  }
}

/** Whether the program can be told how much memory to use for mails. */
async function takesBudget(): Promise<boolean> {
  const { stdout } = await promisify(execFile)(process.execPath, [here('../dist/cli.js'), '--help'])
  return /--message-memory(?![\w-])/.test(stdout)
}
