import { type AccessEvent, reasonOf } from '../auth/index.ts'
import type { ConnectionEvent } from '../transport/index.ts'
import type { EventHandlers } from './event-handlers.ts'
import { jsonLine } from './log.ts'
import { jsonFormats, type LogFormat } from './log-format.ts'
import type { LogSink } from './log-streams.ts'
import { eventLine } from './log-text.ts'

/** So much of a name that a client gave is told. */
const mostCharacters = 256

/**
 * Tells what the log leaves out (`--verbose`): connections as they come and go, TLS, logins, and every reply that
 * refuses something. One line each, in JSON `Time`, `IP` and `Event` first; refusals go to `err`, all else to `out`.
 */
export function verboseLog(writers: LogSink): Required<Pick<EventHandlers, 'traffic' | 'access'>> {
  const { formats = jsonFormats } = writers
  const write = (
    ip: string,
    event: string,
    { Error: error, ...more }: Readonly<Record<string, unknown>> = {},
  ) => {
    const time = new Date()
    const line = (look: LogFormat) =>
      look === 'json'
        ? jsonLine({ Time: time.toISOString(), IP: ip, Event: event, Error: error, ...more })
        : eventLine(time, ip, event, { Error: error, ...more }, look)
    if (error === undefined) writers.out(line(formats.out))
    else writers.err(line(formats.err))
  }
  return {
    traffic: event => tellTraffic(event, write),
    access: event => tellAccess(event, write),
  }
}

type Write = (ip: string, event: string, more?: Readonly<Record<string, unknown>>) => void

function tellTraffic(event: ConnectionEvent, write: Write): void {
  const { address } = event
  switch (event.type) {
    case 'opened':
      return write(address, 'connected')
    case 'turnedAway':
      return write(address, 'turned away', { Error: turnedAwayReasons[event.reason] })
    case 'secured':
      return write(address, 'secured', { Tls: event.protocol, Cipher: event.cipher })
    case 'replied':
      if (event.code >= 400) write(address, 'refused', { Error: event.text.trim().replaceAll('\r\n', ' ') })
      return
    case 'ended':
      return write(address, 'ended', { Outcome: event.outcome, Tls: event.tls, Ms: Math.round(event.ms) })
  }
}

const turnedAwayReasons = {
  total: 'Too many connections',
  address: 'Too many connections from this address',
  memory: 'No memory for more connections',
  proxyHeader: 'No valid PROXY header',
} as const

function tellAccess(event: AccessEvent, write: Write): void {
  // Whoever comes from an address, or gives a sender, that is not allowed hears a reply, which is told.
  if (event.type === 'addressNotAllowed' || event.type === 'senderNotAllowed') return
  const { mechanism, username, client } = event
  const more = { Mechanism: mechanism, User: cut(username) }
  if (event.type === 'loggedIn') write(client.address, 'logged in', more)
  else write(client.address, 'login refused', { Error: cut(reasonOf(event, client.address)), ...more })
}

function cut(text: string): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text
}
