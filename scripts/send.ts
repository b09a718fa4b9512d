/** `npm run send -- --to ADDRESS`: sends mails by hand to any SMTP server, and shows what both sides say. */
import { createTransport } from 'nodemailer'
import type { ListenAddress } from '../src/config/index.ts'
import type { ValueType } from '../src/config/value-type.ts'
import { bytes, integer, listenAddresses } from '../src/config/value-types.ts'
import { escapeForTerminal } from '../src/support/escape.ts'
import { Progress } from '../src/support/progress.ts'
import { readArguments, type Values } from './arguments.ts'

const usage = `Usage: npm run send -- --to ADDRESS [options]

  --to ADDRESS          who gets the mail; may be given several times
  --from ADDRESS        who sends it (default a@example.org)
  --subject TEXT        (default Hello)
  --size BYTES          of the text, or in KiB or MiB (default: a few words)
  --count N             how many mails, over one connection (default 1)
  --server HOST:PORT    with tls:// in front: TLS from the first byte (default 127.0.0.1:1025)
  --tls                 the same as tls:// in front of the server
  --user NAME           logs in; the password is in the variable PASSWORD

STARTTLS is used where the server offers it. Certificates are not verified: the mail is a test, not a secret.
The exit code is 0 when all mails were taken, 1 when not, 2 when an option is wrong.
`

const options = {
  to: { type: 'string', multiple: true },
  from: { type: 'string', default: 'a@example.org' },
  subject: { type: 'string', default: 'Hello' },
  size: { type: 'string' },
  count: { type: 'string', default: '1' },
  server: { type: 'string', default: '127.0.0.1:1025' },
  tls: { type: 'boolean', default: false },
  user: { type: 'string' },
} as const

/** The time that a server may take for anything. */
const patienceMs = 60_000
const lineBytes = 76

// Who reads the dialogue with `head` has seen enough.
process.stdout.on('error', () => {})
process.exitCode = await send(readArguments(usage, options, chosen))

function chosen(values: Values<typeof options>) {
  const { to = [], from, subject, tls, user } = values
  if (to.length === 0) throw new Error('--to is missing')
  const password = process.env.PASSWORD
  if (user !== undefined && !password) throw new Error('--user needs its password in the variable PASSWORD')
  const [server] = read(listenAddresses, 'server', values.server)
  return {
    ...{ to, from, subject },
    count: read(integer(1), 'count', values.count),
    textBytes: values.size === undefined ? undefined : read(bytes, 'size', values.size),
    server: { ...server!, implicitTls: server!.implicitTls || tls },
    auth: user === undefined ? undefined : { user, pass: password! },
  }
}

async function send(values: ReturnType<typeof chosen>): Promise<number> {
  const { to, from, subject, count, textBytes, server, auth } = values
  const progress = new Progress(process.stderr, 'mails')
  let sent = 0
  let over = false
  const transport = createTransport({
    ...way(server),
    ...(auth !== undefined && { auth }),
    // One connection, which is kept; the dialogue of the first mail speaks for the others.
    ...{ pool: true, maxConnections: 1, maxMessages: Number.POSITIVE_INFINITY },
    ...{ connectionTimeout: patienceMs, greetingTimeout: patienceMs, socketTimeout: patienceMs },
    ...{ debug: true, logger: dialogue(() => sent === 0 && !over) as never },
  })
  const text = textBytes === undefined ? 'Sent by npm run send.\n' : textOf(textBytes)
  const begunMs = performance.now()
  try {
    for (; sent < count; progress.show(sent, sent / count)) {
      await transport.sendMail({ envelope: { from, to: [...to] }, from, to: [...to], subject, text })
      sent += 1
    }
  } catch (error) {
    over = true
    progress.clear()
    process.stderr.write(`${escapeForTerminal((error as Error).message)}\n`)
  }
  progress.clear()
  transport.close()
  const seconds = (performance.now() - begunMs) / 1000
  const what = count === 1 ? 'The mail was' : `${sent} of ${count} mails were`
  const rate = sent > 1 ? `, ${Math.round(sent / seconds)} a second` : ''
  process.stdout.write(`${what}${sent === count ? '' : ' not'} taken in ${seconds.toFixed(2)} s${rate}\n`)
  return sent === count ? 0 : 1
}

function way({ host = '127.0.0.1', port, implicitTls }: ListenAddress) {
  return { host, port, secure: implicitTls, tls: { rejectUnauthorized: false } }
}

/** Prints what both sides say as swaks does. nodemailer leaves out secrets; what the server says is made harmless. */
function dialogue(shows: () => boolean) {
  const marks: Readonly<Record<string, string>> = {
    client: ' -> ',
    message: ' -> ',
    server: '<-  ',
    network: '=== ',
  }
  const print = ({ tnx = '' }: { readonly tnx?: string }, format: string, ...rest: readonly unknown[]) => {
    const mark = marks[tnx === 'smtp' && format.startsWith('Connection upgraded') ? 'network' : tnx]
    // Of the mail itself only its size is shown.
    if (mark === undefined || !shows() || (tnx === 'message' && !format.startsWith('<%s bytes'))) return
    const whole = rest.reduce<string>((text, value) => text.replace('%s', String(value)), format)
    for (const line of whole.split(/\r?\n/)) process.stdout.write(`${mark}${escapeForTerminal(line)}\n`)
  }
  const silent = () => {}
  return { trace: silent, debug: print, info: print, warn: silent, error: silent, fatal: silent }
}

function textOf(size: number): string {
  const line = `${'x'.repeat(lineBytes - 1)}\n`
  return line.repeat(Math.ceil(size / lineBytes)).slice(0, size)
}

function read<T>(kind: ValueType<T>, name: string, text: string): T {
  const reading = kind.parse(text)
  if (reading.type === 'value') return reading.value
  throw new Error(`--${name} ${text}: ${reading.message}`)
}
