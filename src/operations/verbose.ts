import { type AccessEvent, reasonOf } from '../auth/index.ts'
import type { TrafficEvent } from '../transport/index.ts'
import { jsonLine } from './log.ts'
import { jsonLooks, type Look } from './look.ts'
import { eventLine } from './readable.ts'
import type { Watcher } from './watcher.ts'
import type { Writers } from './writers.ts'

/** So much of a name that a client gave is told. */
const mostCharacters = 256

/**
 * Tells what the log leaves out (`--verbose`): connections as they come and go, TLS, logins, and every reply that
 * refuses something. One line each, in JSON `Time`, `IP` and `Event` first; refusals go to `err`, all else to `out`.
 */
export function verboseLog(writers: Writers): Required<Pick<Watcher, 'traffic' | 'access'>> {
  const { looks = jsonLooks } = writers
  const write = (
    ip: string,
    event: string,
    { Error: error, ...more }: Readonly<Record<string, unknown>> = {},
  ) => {
    const time = new Date()
    const line = (look: Look) =>
      look === 'json'
        ? jsonLine({ Time: time.toISOString(), IP: ip, Event: event, Error: error, ...more })
        : eventLine(time, ip, event, { Error: error, ...more }, look)
    if (error === undefined) writers.out(line(looks.out))
    else writers.err(line(looks.err))
  }
  return {
    traffic: event => tellTraffic(event, write),
    access: event => tellAccess(event, write),
  }
}

type Write = (ip: string, event: string, more?: Readonly<Record<string, unknown>>) => void

function tellTraffic(event: TrafficEvent, write: Write): void {
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
  if (event.type === 'refusedAddress' || event.type === 'deniedSender') return
  const { mechanism, username, client } = event
  const more = { Mechanism: mechanism, User: cut(username) }
  if (event.type === 'loggedIn') write(client.address, 'logged in', more)
  else write(client.address, 'login refused', { Error: cut(reasonOf(event, client.address)), ...more })
}

function cut(text: string): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text
}
