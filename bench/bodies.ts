/**
 * What does a mail of 2 MiB cost the whole program, by what it consists of? Server CPU and time, from the socket to 250,
 * with `-r discard`; the ratios are to plain text. Linux only, after a build:
 *
 *     npm run build && node --import tsx bench/bodies.ts
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'

const mails = 40
const bodies = {
  'plain, 76 columns': `${'A'.repeat(76)}\r\n`,
  '..\\r\\n': '..\r\n',
  '..a\\r\\n': '..a\r\n',
  'a\\r\\n': 'a\r\n',
  '\\r\\n': '\r\n',
  '\\n': '\n',
}

const program = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const relay = spawn(process.execPath, [program, '-r', 'discard', '-a', '127.0.0.1:0'], {
  stdio: ['ignore', 'ignore', 'pipe'],
})
const [line] = await once(relay.stderr.setEncoding('utf8'), 'data')
const port = Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1])

console.log(`Node.js ${process.version}, ${mails} mails of 2 MiB each`)
console.log(`${'body'.padEnd(20)} CPU ms a mail   of plain   ms a mail   of plain`)
let plain: readonly [number, number] | undefined
for (const [name, unit] of Object.entries(bodies)) {
  const body = Buffer.from(`${unit.repeat(2 ** 21 / unit.length)}\r\n.\r\n`)
  await send(body, 5)
  const [cpuMs, ms] = await send(body, mails)
  plain ??= [cpuMs, ms]
  const cells = [cpuMs / mails, cpuMs / plain[0], ms / mails, ms / plain[1]]
  console.log(name.padEnd(20) + cells.map(cell => cell.toFixed(2).padStart(12)).join(''))
}
relay.kill()

/** Milliseconds of the server's CPU, and of time. */
async function send(body: Buffer, count: number): Promise<readonly [number, number]> {
  const socket = connect(port, '127.0.0.1')
  let heard = ''
  const until = async (reply: RegExp) => {
    while (!reply.test(heard)) heard += String(await once(socket, 'data').then(([bytes]) => bytes))
    heard = ''
  }
  await until(/^220 /)
  socket.write('EHLO bench.test\r\n')
  await until(/^250 HELP/m)
  const [cpu, begun] = [cpuMs(), performance.now()]
  for (let i = 0; i < count; i++) {
    socket.write('MAIL FROM:<a@s.test>\r\nRCPT TO:<b@r.test>\r\nDATA\r\n')
    await until(/^354 /m)
    socket.write(body)
    await until(/^250 2\.0\.0/m)
  }
  const spent = [cpuMs() - cpu, performance.now() - begun] as const
  socket.end('QUIT\r\n')
  return spent
}

function cpuMs(): number {
  const fields = readFileSync(`/proc/${relay.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  // utime and stime, in hundredths of a second.
  return 10 * (Number(fields[11]) + Number(fields[12]))
}
