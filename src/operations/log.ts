import { type AccessEvent, reasonOf } from '../auth/index.ts'
import type { Delivery } from '../relay/delivery.ts'
import { jsonLooks, type Look, type Looks } from './look.ts'
import { lineOf, linesOf } from './readable.ts'
import type { Watcher } from './watcher.ts'

/** Where lines go: what went well, and what went wrong. A line comes with its newline. */
export interface Writers {
  out(line: string): void
  err(line: string): void
  /** How lines of the log shall look there; left out: JSON. */
  readonly looks?: Looks
}

/** The part of a stream that a log needs. */
export type LogStream = Pick<NodeJS.WritableStream, 'write' | 'on'> & { readonly writableLength?: number }

/** Bytes of the log that wait for a reader who does not read; beyond, lines are lost. */
const maxBacklogBytes = 16 * 1024 * 1024

/**
 * Tells each delivery in one line: accepted ones to `out`, failed ones to `err`; those who were not let in, too. In JSON
 * `Time`, `IP`, `From`, `To` and `Error` come first, as the Go program writes them, and `Error` is null where there was
 * none.
 */
export function deliveryLog(writers: Writers): Required<Pick<Watcher, 'mail' | 'access'>> {
  const { looks = jsonLooks } = writers
  const write = (delivery: Delivery) => {
    if (delivery.error === undefined) writers.out(told(delivery, looks.out))
    else writers.err(told(delivery, looks.err))
  }
  return {
    mail: event => event.type === 'delivery' && write(event),
    access: event => event.type !== 'loggedIn' && write(turnedAway(event)),
  }
}

/** One line of JSON, its newline included, that no reader takes for two and no terminal obeys. */
export function jsonLine(fields: object): string {
  return `${hardened(JSON.stringify(fields))}\n`
}

/** Tells a fault of the program itself to `err`: in one line of JSON, or, where people read it, with a line for each call. */
export function faultLog(writers: Writers): (fault: unknown) => void {
  const { looks = jsonLooks } = writers
  return fault => {
    const time = new Date()
    const text = fault instanceof Error ? (fault.stack ?? String(fault)) : String(fault)
    if (looks.err !== 'json') writers.err(linesOf(time, text, looks.err))
    else writers.err(jsonLine({ Time: time.toISOString(), Error: text }))
  }
}

/**
 * Writes lines to two streams, usually the standard ones. A reader of the log that goes away (EPIPE) or does not read,
 * or a disk that is full, must not end the program in the middle of mails that AWS has taken and no client knows of:
 * the line is lost, mail goes on, and the other stream says so once.
 */
export function streamWriters(out: LogStream, err: LogStream, looks = jsonLooks): Writers {
  return { out: writer(out, 'standard output', err), err: writer(err, 'standard error', out), looks }
}

function told(delivery: Delivery, look: Look): string {
  return look === 'json' ? jsonLine(fields(delivery)) : lineOf(delivery, look)
}

/** Someone who was not let in, as a delivery that could not be. */
function turnedAway(event: Exclude<AccessEvent, { type: 'loggedIn' }>): Delivery {
  const { address: ip, user } = event.client
  const from = event.type === 'deniedSender' ? event.sender : ''
  const error = reasonOf(event, ip)
  return { time: new Date(), ip, from, to: [], error, ...(user !== undefined && { user }) }
}

function fields({ time, ip, from, to, error, messageId, size, ms, user, relay }: Delivery) {
  return {
    Time: time.toISOString(),
    IP: ip,
    From: from,
    To: to,
    Error: error ?? null,
    MessageId: messageId,
    Size: size,
    Ms: ms,
    User: user,
    Relay: relay,
  }
}

/**
 * JSON leaves some characters that end a line or move a terminal's cursor for readers simpler than a JSON parser:
 * DEL, the C1 controls, the line and paragraph separators. `<`, `>` and `&` are escaped as the Go program does.
 */
function hardened(json: string): string {
  return json.replace(
    /[<>&\x7f-\x9f\u2028\u2029]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function writer(stream: LogStream, name: string, other: LogStream): (line: string) => void {
  let warned = false
  const warn = (reason: string) => {
    if (warned) return
    warned = true
    other.write(`${JSON.stringify({ Time: new Date().toISOString(), Error: `${name}: ${reason}` })}\n`)
  }
  stream.on('error', (error: Error) => warn(error.message))
  return line => {
    if ((stream.writableLength ?? 0) < maxBacklogBytes) stream.write(line)
    else warn('nobody reads it, lines are lost')
  }
}
