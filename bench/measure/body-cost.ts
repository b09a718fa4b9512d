/**
 * Measures what a message of 2 MiB costs the whole program, depending on its content: server CPU and time from the socket
 * to the 250, with `-r discard`. The ratios are relative to plain text. Needs a build:
 *
 *     npm run build && node --import tsx bench/measure/body-cost.ts
 */
import { fileURLToPath } from 'node:url'
import { open } from '../load/client.mjs'
import type { ServerProcess } from '../servers/server-process.ts'
import { startServer } from '../servers/servers.ts'

const units = {
  'plain, 76 columns': `${'A'.repeat(76)}\r\n`,
  '..\\r\\n': '..\r\n',
  '..a\\r\\n': '..a\r\n',
  'a\\r\\n': 'a\r\n',
  '\\r\\n': '\r\n',
  '\\n': '\n',
}

interface BodyCost {
  /** CPU time of the server per message. */
  readonly cpuMs: number
  readonly ms: number
}

/** Returns the server CPU in milliseconds per message, for text and for a message of only stuffed dots. */
export async function measureBodyCost(
  messages: number,
): Promise<Readonly<Record<'plain' | 'stuffed', number>>> {
  const server = await startServer('discard')
  await warmUp(server)
  const plain = await send(server, units['plain, 76 columns'], messages)
  const stuffed = await send(server, units['..\\r\\n'], messages)
  await server.stop()
  return { plain: plain.cpuMs, stuffed: stuffed.cpuMs }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await print(40)

async function print(messages: number): Promise<void> {
  const server = await startServer('discard')
  await warmUp(server)
  console.log(`Node.js ${process.version}, ${messages} messages of 2 MiB each`)
  console.log(`${'body'.padEnd(20)} CPU ms per message   of plain   ms per message   of plain`)
  let plain: BodyCost | undefined
  for (const [name, unit] of Object.entries(units)) {
    const cost = await send(server, unit, messages)
    plain ??= cost
    const cells = [cost.cpuMs, cost.cpuMs / plain.cpuMs, cost.ms, cost.ms / plain.ms]
    console.log(name.padEnd(20) + cells.map(cell => cell.toFixed(2).padStart(12)).join(''))
  }
  await server.stop()
}

/** Warms up with all bodies, so that the first measured body is not slower. */
async function warmUp(server: ServerProcess): Promise<void> {
  for (const unit of Object.values(units)) await send(server, unit, 30)
}

async function send(server: ServerProcess, unit: string, messages: number): Promise<BodyCost> {
  const body = Buffer.from(`${unit.repeat(2 ** 21 / unit.length)}\r\n.\r\n`)
  const client = await open(server.port)
  const expect = async (what: string | Buffer, code: string) => {
    const reply = await client.send(what)
    if (!reply.startsWith(code)) throw new Error(`expected ${code}, got ${JSON.stringify(reply)}`)
  }
  const [before, begun] = [await server.usage(), performance.now()]
  for (let i = 0; i < messages; i++) {
    await expect('MAIL FROM:<a@s.test>\r\n', '250')
    await expect('RCPT TO:<b@r.test>\r\n', '250')
    await expect('DATA\r\n', '354')
    await expect(body, '250')
  }
  const [after, ended] = [await server.usage(), performance.now()]
  await client.quit()
  return { cpuMs: (after.cpuMs - before.cpuMs) / messages, ms: (ended - begun) / messages }
}
