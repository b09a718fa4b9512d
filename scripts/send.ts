/** `npm run send -- --to ADDRESS`: sends test messages to any SMTP server, and shows the dialogue. */
import { createTransport } from 'nodemailer'
import type { ListenAddress } from '../src/config/index.ts'
import type { ValueType } from '../src/config/value-type.ts'
import { bytes, integer, listenAddresses } from '../src/config/value-types.ts'
import { escapeForTerminal } from '../src/support/escape.ts'
import { Progress } from '../src/support/progress.ts'
import { readArguments, type Values } from './arguments.ts'

const usage = `Usage: npm run send -- --to ADDRESS [options]

  --to ADDRESS          recipient; can be repeated
  --from ADDRESS        sender (default a@example.org)
  --subject TEXT        subject (default Hello)
  --size BYTES          size of the text in bytes, KiB or MiB (default: a few words)
  --count N             number of messages, over one connection (default 1)
  --server HOST:PORT    address of the server; prefix tls:// for implicit TLS (default 127.0.0.1:1025)
  --tls                 use implicit TLS, like the prefix tls://
  --user NAME           log in with this name and the password in the variable PASSWORD

STARTTLS is used if the server offers it. Certificates are not verified, because the messages are only tests.
The exit status is 0 if the server accepted all messages, 1 if it did not, 2 if an option is invalid.
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

/** Longest wait for the server, in milliseconds. */
const timeoutMs = 60_000
const lineBytes = 76

// A reader such as `head` closes the pipe early. That is not an error.
process.stdout.on('error', () => {})
process.exitCode = await send(readArguments(usage, options, readOptions))

function readOptions(values: Values<typeof options>) {
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

async function send(values: ReturnType<typeof readOptions>): Promise<number> {
  const { to, from, subject, count, textBytes, server, auth } = values
  const progress = new Progress(process.stderr, 'messages')
  let sent = 0
  let failed = false
  const transport = createTransport({
    ...connectionOptions(server),
    ...(auth !== undefined && { auth }),
    // Uses one connection. Only the dialogue of the first message is shown.
    ...{ pool: true, maxConnections: 1, maxMessages: Number.POSITIVE_INFINITY },
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
    ...{ debug: true, logger: dialogue(() => sent === 0 && !failed) as never },
  })
  const text = textBytes === undefined ? 'Sent by npm run send.\n' : textOf(textBytes)
  const begunMs = performance.now()
  try {
    for (; sent < count; progress.show(sent, sent / count)) {
      await transport.sendMail({ envelope: { from, to: [...to] }, from, to: [...to], subject, text })
      sent += 1
    }
  } catch (error) {
    failed = true
    progress.clear()
    process.stderr.write(`${escapeForTerminal((error as Error).message)}\n`)
  }
  progress.clear()
  transport.close()
  const seconds = (performance.now() - begunMs) / 1000
  const what = count === 1 ? 'The message was' : `${sent} of ${count} messages were`
  const rate = sent > 1 ? `, ${Math.round(sent / seconds)} per second` : ''
  process.stdout.write(`${what}${sent === count ? '' : ' not'} accepted in ${seconds.toFixed(2)} s${rate}\n`)
  return sent === count ? 0 : 1
}

function connectionOptions({ host = '127.0.0.1', port, implicitTls }: ListenAddress) {
  return { host, port, secure: implicitTls, tls: { rejectUnauthorized: false } }
}

/** Returns a logger that prints the dialogue like swaks. nodemailer hides secrets. Control characters are escaped. */
function dialogue(shows: () => boolean) {
  const marks: Readonly<Record<string, string>> = {
    client: ' -> ',
    message: ' -> ',
    server: '<-  ',
    network: '=== ',
  }
  const print = ({ tnx = '' }: { readonly tnx?: string }, format: string, ...rest: readonly unknown[]) => {
    const mark = marks[tnx === 'smtp' && format.startsWith('Connection upgraded') ? 'network' : tnx]
    // Of the content, only the size is shown.
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

function read<T>(type: ValueType<T>, name: string, text: string): T {
  const result = type.parse(text)
  if (result.type === 'value') return result.value
  throw new Error(`--${name} ${text}: ${result.message}`)
}
