import type { Delivery } from '../relay/events.ts'
import { escapeForTerminal } from '../support/escape.ts'
import type { LogFormat } from './log-format.ts'

/** Recipients and characters of one text that a line shows; a person wants a short one, and JSON has the rest. */
const mostRecipients = 3
const mostAddress = 80
const mostError = 1_000

/** A delivery as a person reads it, its newline included: `12:00:00 OK   a@a.example -> b@b.example 1.2 kB, 57 ms, from 192.0.2.1 0100…`. */
export function deliveryLine(delivery: Delivery, look: LogFormat): string {
  const { time, ip, from, to, error, messageId, size, durationMs, user, skipped } = delivery
  const paint = painter(look)
  const way = [from === '' ? '<>' : address(from), ...(to.length > 0 ? ['->', recipients(to)] : [])]
  const how = [
    ...(size === undefined ? [] : [bytesText(size)]),
    ...(durationMs === undefined ? [] : [`${Math.round(durationMs)} ms`]),
    `from ${escapeForTerminal(ip)}${user === undefined ? '' : ` (${address(user)})`}`,
  ]
  const what = error ?? skipped ?? messageId ?? ''
  const words = [
    paint('dim', clock(time)),
    outcome(delivery, paint),
    // Who was refused before it named a sender has said nothing yet.
    ...(from === '' && to.length === 0 ? [] : [way.join(' ')]),
    paint('dim', how.join(', ')),
    clipped(escapeForTerminal(what), mostError),
  ]
  return `${words.join(' ').trimEnd()}\n`
}

/** An event of `--verbose` as a person reads it: `12:00:00 ...  192.0.2.1 ended quit none 57`. */
export function eventLine(
  time: Date,
  ip: string,
  event: string,
  details: Readonly<Record<string, unknown>>,
  look: LogFormat,
): string {
  const told = Object.values(details).filter(value => value !== undefined)
  const words = [
    escapeForTerminal(ip),
    event,
    ...told.map(value => clipped(escapeForTerminal(String(value)), mostError)),
  ]
  return `${painter(look)('dim', `${clock(time)} ...  ${words.join(' ')}`)}\n`
}

/** A fault of the program as a person reads it: its stack with a line for each call, a newline at the end. */
export function faultLines(time: Date, text: string, look: LogFormat): string {
  const paint = painter(look)
  const lines = text.split('\n').map(escapeForTerminal)
  return `${paint('dim', clock(time))} ${paint('red', 'FAULT')} ${lines.join('\n')}\n`
}

function outcome({ error, skipped }: Delivery, paint: ReturnType<typeof painter>): string {
  if (error !== undefined) return paint('red', 'FAIL')
  return skipped === undefined ? paint('green', 'OK  ') : paint('dim', 'SKIP')
}

function recipients(to: readonly string[]): string {
  const shown = to.slice(0, mostRecipients).map(address).join(', ')
  return to.length > mostRecipients ? `${shown} and ${to.length - mostRecipients} more` : shown
}

function address(text: string): string {
  return clipped(escapeForTerminal(text), mostAddress)
}

function clipped(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}...` : text
}

function bytesText(bytes: number): string {
  const [unit, divisor] = bytes < 1e6 ? (['kB', 1e3] as const) : (['MB', 1e6] as const)
  return bytes < 1e3 ? `${bytes} bytes` : `${(bytes / divisor).toFixed(1)} ${unit}`
}

/** The time of day where the program runs. */
function clock(time: Date): string {
  return time.toTimeString().slice(0, 8)
}

const colours = { red: 31, green: 32, dim: 2 } as const

function painter(look: LogFormat): (colour: keyof typeof colours, text: string) => string {
  if (look !== 'coloured') return (_, text) => text
  return (colour, text) => `\x1b[${colours[colour]}m${text}\x1b[0m`
}
