/**
 * Measures whether the CPU time for a message that arrives byte by byte grows linearly with its size: CPU of the engine
 * for 1, 2 and 4 MiB. Each ratio is relative to the size before it; 2 is linear.
 *
 *     node --import tsx bench/measure/scan-cost.ts
 */
import { fileURLToPath } from 'node:url'
import { defaultSettings, isQuestion, Session } from '../../src/protocol/index.ts'

const envelope = 'EHLO bench.test\r\nMAIL FROM:<a@s.test>\r\nRCPT TO:<b@r.test>\r\nDATA\r\n'
const text = `${'A'.repeat(76)}\r\n`

/** Returns the best of several runs, in milliseconds of CPU, for 1 MiB and for 2 MiB. */
export function measureScanCost(times: number): Readonly<Record<'one' | 'two', number>> {
  msOf(1, text)
  const best = { one: Number.POSITIVE_INFINITY, two: Number.POSITIVE_INFINITY }
  for (let i = 0; i < times; i++) {
    best.one = Math.min(best.one, msOf(1, text))
    best.two = Math.min(best.two, msOf(2, text))
  }
  return best
}

if (process.argv[1] === fileURLToPath(import.meta.url)) print()

function print(): void {
  for (const line of [text, '..\r\n']) {
    let before: number | undefined
    for (const mebibytes of [1, 1, 2, 4]) {
      const ms = msOf(mebibytes, line)
      const ratio = before === undefined ? '' : `  ${(ms / before).toFixed(2)}`
      console.log(
        `${JSON.stringify(line).padEnd(84)} ${mebibytes} MiB ${ms.toFixed(0).padStart(5)} ms${ratio}`,
      )
      before = ms
    }
  }
}

function msOf(mebibytes: number, line: string): number {
  const body = Buffer.from(`${line.repeat((mebibytes * 2 ** 20) / line.length)}.\r\n`)
  const begun = process.cpuUsage()
  read(body)
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1000
}

function read(body: Buffer): void {
  const session = new Session(
    { ...defaultSettings, hostname: 'bench.test', service: 'Bench' },
    { address: '192.0.2.1', secure: false },
  )
  const drain = () => {
    for (let event = session.next(); event !== undefined; event = session.next()) {
      if (isQuestion(event)) session.answer()
    }
    return session.takeOutput()
  }
  drain()
  session.receive(Buffer.from(envelope))
  drain()
  let output = ''
  for (let at = 0; at < body.length; at++) {
    session.receive(body.subarray(at, at + 1))
    output = drain() || output
  }
  if (!output.startsWith('250 2.0.0')) throw new Error(output)
}
