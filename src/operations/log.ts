import { type AccessEvent, reasonOf } from '../auth/index.ts'
import type { Delivery } from '../relay/events.ts'
import type { EventHandlers } from './event-handlers.ts'
import { jsonFormats, type LogFormat } from './log-format.ts'
import type { LogSink } from './log-streams.ts'
import { deliveryLine, faultLines } from './log-text.ts'

/**
 * Tells each delivery in one line: accepted ones to `out`, failed ones to `err`; those who were not let in, too. In JSON
 * `Time`, `IP`, `From`, `To` and `Error` come first, as the Go program writes them, and `Error` is null where there was
 * none.
 */
export function deliveryLog(writers: LogSink): Required<Pick<EventHandlers, 'mail' | 'access'>> {
  const { formats = jsonFormats } = writers
  const write = (delivery: Delivery) => {
    if (delivery.error === undefined) writers.out(lineOf(delivery, formats.out))
    else writers.err(lineOf(delivery, formats.err))
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

/** Tells faults of the program itself to `err`. */
export function faultLog(writers: LogSink): (fault: unknown) => void {
  const { formats = jsonFormats } = writers
  return fault => {
    const text = fault instanceof Error ? (fault.stack ?? String(fault)) : String(fault)
    writers.err(faultText(text, formats.err))
  }
}

/** A fault that is told now: one line of JSON, or, where people read it, a line for each of its own. */
export function faultText(text: string, look: LogFormat): string {
  const time = new Date()
  if (look !== 'json') return faultLines(time, text, look)
  return jsonLine({ Time: time.toISOString(), Error: text })
}

function lineOf(delivery: Delivery, look: LogFormat): string {
  return look === 'json' ? jsonLine(fields(delivery)) : deliveryLine(delivery, look)
}

/** Someone who was not let in, as a delivery that could not be. */
function turnedAway(event: Exclude<AccessEvent, { type: 'loggedIn' }>): Delivery {
  const { address: ip, user } = event.client
  const from = event.type === 'senderNotAllowed' ? event.sender : ''
  const error = reasonOf(event, ip)
  return { time: new Date(), ip, from, to: [], error, ...(user !== undefined && { user }) }
}

function fields({ time, ip, from, to, error, messageId, size, durationMs, user, relay, skipped }: Delivery) {
  return {
    Time: time.toISOString(),
    IP: ip,
    From: from,
    To: to,
    Error: error ?? null,
    MessageId: messageId,
    Size: size,
    Ms: durationMs,
    User: user,
    Relay: relay,
    Skipped: skipped,
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
