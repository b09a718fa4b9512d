/**
 * Measures what content costs the engine, depending on its kind: the best CPU time of several runs. The bytes arrive in
 * chunks like those of a socket, and the content is discarded. Compare only figures of one run.
 *
 *     node --import tsx bench/content-cost.ts
 */
import { defaultSettings, Session } from '../src/protocol/index.ts'

const mebibyte = 1024 * 1024
const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const line = Array.from({ length: 76 }, (_, i) => base64[(i * 37) % 64]).join('')

interface Body {
  readonly name: string
  /** Repeated up to the length of `mebibytes`. The last one may be incomplete. */
  readonly unit: string
  readonly mebibytes?: number
  readonly chunkBytes?: number
  /** Sent with BDAT instead of DATA: as text, or as BINARYMIME. */
  readonly bdat?: 'text' | 'binary'
}

const bodies: readonly Body[] = [
  { name: '76 columns of base64', unit: `${line}\r\n` },
  { name: '76 columns, LF only', unit: `${line}\n` },
  { name: '76 columns, each after a dot', unit: `..${line.slice(2)}\r\n` },
  { name: '76 columns, BDAT', unit: `${line}\r\n`, bdat: 'text' },
  { name: '20 columns', unit: `${line.slice(0, 20)}\r\n` },
  { name: 'UTF-8', unit: `${'Grüße, 世界! '.repeat(5)}\r\n` },
  { name: 'lines of 1 KB', unit: `${'x'.repeat(1022)}\r\n` },
  { name: 'lines of 1 MB', unit: `${'x'.repeat(mebibyte - 2)}\r\n` },
  { name: 'bytes of all kinds, BDAT', unit: everyByte(), bdat: 'binary' },
  { name: '..\\r\\n', unit: '..\r\n' },
  { name: '.a\\r\\n', unit: '.a\r\n' },
  { name: '..\\r\\n, BDAT', unit: '..\r\n', bdat: 'text' },
  { name: '\\r\\n', unit: '\r\n' },
  { name: '\\n', unit: '\n' },
  { name: '\\r', unit: '\r' },
  { name: 'a\\n', unit: 'a\n' },
  { name: 'a\\rb\\n', unit: 'a\rb\n' },
  { name: '\\n.', unit: '\n.' },
  { name: '76 columns, one byte per chunk', unit: `${line}\r\n`, mebibytes: 1, chunkBytes: 1 },
  { name: '..\\r\\n, one byte per chunk', unit: '..\r\n', mebibytes: 1, chunkBytes: 1 },
]

console.log(`Node.js ${process.version}`)
console.log(`${'body'.padEnd(32)}  ms per MiB   of plain`)
let plain: number | undefined
for (const body of bodies) {
  const cost = msPerMebibyte(body)
  plain ??= cost
  console.log(
    `${body.name.padEnd(32)}${cost.toFixed(3).padStart(12)}${(cost / plain).toFixed(1).padStart(11)}`,
  )
}

function msPerMebibyte({ unit, mebibytes = 8, chunkBytes = 64 * 1024, bdat }: Body): number {
  const bytes = Buffer.alloc(mebibytes * mebibyte, unit, 'latin1')
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes))
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < 7; run++) best = Math.min(best, msOfOne(chunks, bytes.length, bdat))
  return best / mebibytes
}

function msOfOne(chunks: readonly Buffer[], bytes: number, bdat: Body['bdat']): number {
  const session = new Session(
    { ...defaultSettings, hostname: 'bench.test', service: 'Bench', binaryMime: true },
    { address: '192.0.2.1', secure: false },
  )
  const send = (text: string) => drain(session, Buffer.from(text))
  const parameters = bdat === 'binary' ? ' BODY=BINARYMIME' : ''
  send(`EHLO c.test\r\nMAIL FROM:<a@s.test>${parameters}\r\nRCPT TO:<b@r.test>\r\n`)
  send(bdat === undefined ? 'DATA\r\n' : `BDAT ${bytes} LAST\r\n`)
  const start = process.cpuUsage()
  for (const chunk of chunks) drain(session, chunk)
  if (bdat === undefined) send('\r\n.\r\n')
  const { user, system } = process.cpuUsage(start)
  send('QUIT\r\n')
  if (!/\r\n250 2\.0\.0 .*\r\n221 /.test(session.takeOutput()))
    throw new Error('The message was not accepted')
  return (user + system) / 1000
}

function drain(session: Session, bytes: Buffer): void {
  session.receive(bytes)
  for (let event = session.next(); event !== undefined; event = session.next()) {
    if (event.type !== 'content' && event.type !== 'close') session.answer()
  }
}

function everyByte(): string {
  return Array.from({ length: 256 }, (_, i) => String.fromCharCode((i * 101) % 256)).join('')
}
