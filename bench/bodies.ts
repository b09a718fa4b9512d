/**
 * What does a mail of 2 MiB cost the whole program, by what it consists of? Server CPU and time, from the socket to 250,
 * with `-r discard`; the ratios are to plain text. After a build:
 *
 *     npm run build && node --import tsx bench/bodies.ts
 */
import { fileURLToPath } from 'node:url'
import { open } from './client.mjs'
import type { Subject } from './subject.ts'
import { startSubject } from './subjects.ts'

const units = {
  'plain, 76 columns': `${'A'.repeat(76)}\r\n`,
  '..\\r\\n': '..\r\n',
  '..a\\r\\n': '..a\r\n',
  'a\\r\\n': 'a\r\n',
  '\\r\\n': '\r\n',
  '\\n': '\n',
}

interface BodyCost {
  /** Of the server, a mail. */
  readonly cpuMs: number
  readonly ms: number
}

/** Compares text with a mail of the same size that is nothing but stuffed dots. Milliseconds of server CPU a mail. */
export async function measureBodies(mails: number): Promise<Readonly<Record<'plain' | 'stuffed', number>>> {
  const relay = await startSubject('discard')
  await warm(relay)
  const plain = await send(relay, units['plain, 76 columns'], mails)
  const stuffed = await send(relay, units['..\\r\\n'], mails)
  await relay.stop()
  return { plain: plain.cpuMs, stuffed: stuffed.cpuMs }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await print(40)

async function print(mails: number): Promise<void> {
  const relay = await startSubject('discard')
  await warm(relay)
  console.log(`Node.js ${process.version}, ${mails} mails of 2 MiB each`)
  console.log(`${'body'.padEnd(20)} CPU ms a mail   of plain   ms a mail   of plain`)
  let plain: BodyCost | undefined
  for (const [name, unit] of Object.entries(units)) {
    const cost = await send(relay, unit, mails)
    plain ??= cost
    const cells = [cost.cpuMs, cost.cpuMs / plain.cpuMs, cost.ms, cost.ms / plain.ms]
    console.log(name.padEnd(20) + cells.map(cell => cell.toFixed(2).padStart(12)).join(''))
  }
  await relay.stop()
}

/** The body that comes first must not pay for the others. */
async function warm(relay: Subject): Promise<void> {
  for (const unit of Object.values(units)) await send(relay, unit, 30)
}

async function send(relay: Subject, unit: string, mails: number): Promise<BodyCost> {
  const body = Buffer.from(`${unit.repeat(2 ** 21 / unit.length)}\r\n.\r\n`)
  const client = await open(relay.port)
  const expect = async (what: string | Buffer, code: string) => {
    const heard = await client.say(what)
    if (!heard.startsWith(code)) throw new Error(`expected ${code}, heard ${JSON.stringify(heard)}`)
  }
  const [before, begun] = [await relay.usage(), performance.now()]
  for (let i = 0; i < mails; i++) {
    await expect('MAIL FROM:<a@s.test>\r\n', '250')
    await expect('RCPT TO:<b@r.test>\r\n', '250')
    await expect('DATA\r\n', '354')
    await expect(body, '250')
  }
  const [after, ended] = [await relay.usage(), performance.now()]
  await client.leave()
  return { cpuMs: (after.cpuMs - before.cpuMs) / mails, ms: (ended - begun) / mails }
}
