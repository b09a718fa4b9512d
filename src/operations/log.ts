import { type AccessEvent, reasonOf } from '../auth/index.ts'
import type { EventHandler } from '../support/emit.ts'
import { clip } from '../support/escape.ts'
import type { ConnectionEvent } from '../transport/index.ts'
import type { RelayEvent } from './events.ts'
import { closeLabels, rejectTexts } from './labels.ts'
import {
  type EventEntry,
  errorLine,
  eventLine,
  jsonFormats,
  type OutcomeEntry,
  outcomeLine,
} from './log-format.ts'
import type { LogSink } from './log-streams.ts'

/** Characters of a name from a client that an event of `--verbose` shows. */
const maxNameLength = 256

/**
 * Returns a handler that writes events to the log. Successes go to `out`, everything else to `err`.
 *
 * Always logged: the outcome of each call to the backend, clients and senders that were not allowed, failed logins, PROXY
 * headers that are not valid, notices and errors. With `verbose` also: connections, TLS, logins, and every reply that is
 * an error.
 */
export function eventLog(
  sink: LogSink,
  { verbose }: { readonly verbose: boolean },
): EventHandler<RelayEvent> {
  const { formats = jsonFormats } = sink

  function writeOutcome(entry: OutcomeEntry): void {
    if (entry.error === undefined) sink.out(outcomeLine(entry, formats.out))
    else sink.err(outcomeLine(entry, formats.err))
  }

  function writeEvent(ip: string, entry: EventFields): void {
    if (!verbose) return
    const time = new Date()
    if (entry.error === undefined) sink.out(eventLine({ time, ip, ...entry }, formats.out))
    else sink.err(eventLine({ time, ip, ...entry }, formats.err))
  }

  return event => {
    switch (event.type) {
      case 'delivery':
        return writeOutcome(event)
      case 'call':
      case 'message':
        return
      case 'notice':
        return sink.err(`${event.text}\n`)
      case 'error':
        return sink.err(errorLine(stackOf(event.error), formats.err))
      case 'proxyError': {
        const { address, reason } = event
        writeOutcome(failureOf(address, `${rejectTexts.proxyHeader}: ${reason}`))
        return writeEvent(address, { event: 'rejected', error: rejectTexts.proxyHeader })
      }
      case 'opened':
      case 'rejected':
      case 'tls':
      case 'reply':
      case 'closed': {
        const entry = verbose ? connectionEntry(event) : undefined
        return entry && writeEvent(event.address, entry)
      }
      default: {
        const { address } = event.client
        if (event.type !== 'loggedIn') writeOutcome(accessFailure(event))
        const entry = accessEntry(event)
        return entry && writeEvent(address, entry)
      }
    }
  }
}

type EventFields = Omit<EventEntry, 'time' | 'ip'>

function failureOf(ip: string, error: string): OutcomeEntry {
  return { time: new Date(), ip, from: '', to: [], error }
}

function accessFailure(event: Exclude<AccessEvent, { type: 'loggedIn' }>): OutcomeEntry {
  const { address, user } = event.client
  const from = event.type === 'senderNotAllowed' ? event.sender : ''
  return { ...failureOf(address, reasonOf(event, address)), from, user }
}

/** Returns what `--verbose` logs of a connection event; `undefined`: nothing. */
function connectionEntry(event: ConnectionEvent): EventFields | undefined {
  switch (event.type) {
    case 'opened':
      return { event: 'connect' }
    case 'rejected':
      return { event: 'rejected', error: rejectTexts[event.reason] }
    case 'tls':
      return { event: 'tls', details: { Tls: event.protocol, Cipher: event.cipher } }
    case 'reply':
      if (event.code < 400) return undefined
      return { event: 'reply', error: event.text.trim().replaceAll('\r\n', ' ') }
    case 'closed': {
      const { reason, tls, durationMs } = event
      return {
        event: 'disconnect',
        details: { Outcome: closeLabels[reason], Tls: tls, DurationMs: Math.round(durationMs) },
      }
    }
  }
}

/** Returns what `--verbose` logs of an access event; `undefined`: nothing, because the reply is logged. */
function accessEntry(event: AccessEvent): EventFields | undefined {
  if (event.type === 'addressNotAllowed' || event.type === 'senderNotAllowed') return undefined
  const { mechanism, username, client } = event
  const details = { Mechanism: mechanism, User: clip(username, maxNameLength) }
  if (event.type === 'loggedIn') return { event: 'auth ok', details }
  return { event: 'auth failed', error: clip(reasonOf(event, client.address), maxNameLength), details }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error)
}
