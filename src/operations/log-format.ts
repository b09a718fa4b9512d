/** How a line of the log looks: JSON for programs, or text for people, with or without colours. */
import { clip, escapeForTerminal } from '../support/escape.ts'
import { formatBytes } from '../support/format-bytes.ts'

export type LogFormat = 'json' | 'text' | 'coloured'

/** The format of each stream. They may differ, because only one of them may be a terminal. */
export interface LogFormats {
  readonly out: LogFormat
  readonly err: LogFormat
}

export const jsonFormats: LogFormats = { out: 'json', err: 'json' }

/** The part of a stream that decides the format. `hasColors` of a terminal reads NO_COLOR, FORCE_COLOR and TERM. */
export interface OutputStream {
  readonly isTTY?: boolean
  hasColors?(): boolean
}

/** Returns the formats for `--log-format`: `auto` is text on a terminal and JSON everywhere else. */
export function formatsFor(
  format: 'auto' | 'json' | 'text',
  out: OutputStream,
  err: OutputStream,
): LogFormats {
  const formatFor = (stream: OutputStream): LogFormat => {
    if (format === 'json' || (format === 'auto' && !stream.isTTY)) return 'json'
    return stream.isTTY && stream.hasColors?.() ? 'coloured' : 'text'
  }
  return { out: formatFor(out), err: formatFor(err) }
}

/** What happened to a message, or to a client that was not let in. */
export interface OutcomeEntry {
  readonly time: Date
  /** The address of the client. */
  readonly ip: string
  /** The envelope sender; `''` is the null sender, and also a client that has not named a sender. */
  readonly from: string
  readonly to: readonly string[]
  /** `undefined`: no error. */
  readonly error?: string | undefined
  readonly messageId?: string
  /** Bytes of the message. */
  readonly size?: number
  /** Milliseconds of the call to the backend. */
  readonly durationMs?: number
  readonly user?: string | undefined
  /** The name of the backend. */
  readonly relay?: string
  /** Why no call was made for these recipients although there was no error. */
  readonly skipped?: string
}

/**
 * Returns the line of an outcome, with its newline. In JSON, `Time`, `IP`, `From`, `To` and `Error` come first, as the Go
 * program writes them; `Error` is null without an error. As text:
 * `12:00:00 OK   a@a.example -> b@b.example 1.2 KiB, 57 ms, from 192.0.2.1 0100…`.
 */
export function outcomeLine(entry: OutcomeEntry, format: LogFormat): string {
  return format === 'json' ? jsonLine(jsonFields(entry)) : outcomeText(entry, painter(format))
}

function jsonFields(entry: OutcomeEntry) {
  const { time, ip, from, to, error, messageId, size, durationMs, user, relay, skipped } = entry
  return {
    Time: time.toISOString(),
    IP: ip,
    From: from,
    To: to,
    Error: error ?? null,
    MessageId: messageId,
    Size: size,
    DurationMs: durationMs,
    User: user,
    Relay: relay,
    Skipped: skipped,
  }
}

/** An event of `--verbose`. `details` has one more key in JSON for each of its own; keys that are `undefined` are left out. */
export interface EventEntry {
  readonly time: Date
  readonly ip: string
  /** For example `connect`. */
  readonly event: string
  readonly error?: string | undefined
  readonly details?: Readonly<Record<string, string | number>>
}

/**
 * Returns the line of an event, with its newline. In JSON, `Time`, `IP` and `Event` come first. As text:
 * `12:00:00 ...  192.0.2.1 disconnect quit none 57`.
 */
export function eventLine({ time, ip, event, error, details = {} }: EventEntry, format: LogFormat): string {
  if (format === 'json')
    return jsonLine({ Time: time.toISOString(), IP: ip, Event: event, Error: error, ...details })
  const values = [...(error === undefined ? [] : [error]), ...Object.values(details)]
  const words = [escapeForTerminal(ip), event, ...values.map(value => errorClip(String(value)))]
  return `${painter(format)('dim', `${clock(time)} ...  ${words.join(' ')}`)}\n`
}

/** Returns the lines of an error of the program itself that happened now: one line in JSON, each of its own as text. */
export function errorLine(text: string, format: LogFormat): string {
  const time = new Date()
  if (format === 'json') return jsonLine({ Time: time.toISOString(), Error: text })
  const paint = painter(format)
  const lines = text.split('\n').map(escapeForTerminal)
  return `${paint('dim', clock(time))} ${paint('red', 'ERROR')} ${lines.join('\n')}\n`
}

function jsonLine(fields: object): string {
  return `${escapeJson(JSON.stringify(fields))}\n`
}

/**
 * Escapes what JSON allows in a string, but what ends a line or moves the cursor of a terminal for a reader simpler than a
 * JSON parser: DEL, the C1 controls, the line and paragraph separators. `<`, `>` and `&` are escaped as the Go program does.
 */
function escapeJson(json: string): string {
  return json.replace(
    /[<>&\x7f-\x9f\u2028\u2029]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Recipients, and characters of one text, that a line of text shows. JSON has the rest. */
const maxRecipients = 3
const maxAddressLength = 80
const maxErrorLength = 1_000

function outcomeText(entry: OutcomeEntry, paint: Paint): string {
  const { time, ip, from, to, error, messageId, size, durationMs, user, skipped } = entry
  const envelope = [from === '' ? '<>' : addressClip(from), ...(to.length > 0 ? ['->', recipients(to)] : [])]
  const details = [
    ...(size === undefined ? [] : [formatBytes(size)]),
    ...(durationMs === undefined ? [] : [`${Math.round(durationMs)} ms`]),
    `from ${escapeForTerminal(ip)}${user === undefined ? '' : ` (${addressClip(user)})`}`,
  ]
  const words = [
    paint('dim', clock(time)),
    status(entry, paint),
    // A client that was refused before MAIL has no envelope.
    ...(from === '' && to.length === 0 ? [] : [envelope.join(' ')]),
    paint('dim', details.join(', ')),
    errorClip(error ?? skipped ?? messageId ?? ''),
  ]
  return `${words.join(' ').trimEnd()}\n`
}

function status({ error, skipped }: OutcomeEntry, paint: Paint): string {
  if (error !== undefined) return paint('red', 'FAIL')
  return skipped === undefined ? paint('green', 'OK  ') : paint('dim', 'SKIP')
}

function recipients(to: readonly string[]): string {
  const shown = to.slice(0, maxRecipients).map(addressClip).join(', ')
  return to.length > maxRecipients ? `${shown} and ${to.length - maxRecipients} more` : shown
}

function addressClip(text: string): string {
  return clip(escapeForTerminal(text), maxAddressLength)
}

function errorClip(text: string): string {
  return clip(escapeForTerminal(text), maxErrorLength)
}

/** Returns the local time of day. */
function clock(time: Date): string {
  return time.toTimeString().slice(0, 8)
}

type Paint = (colour: keyof typeof colours, text: string) => string

/** SGR codes of ECMA-48. */
const colours = { red: 31, green: 32, dim: 2 } as const

function painter(format: LogFormat): Paint {
  if (format !== 'coloured') return (_, text) => text
  return (colour, text) => `\x1b[${colours[colour]}m${text}\x1b[0m`
}
