import { copyOfPart } from '../grammar.ts'
import { replies } from '../replies.ts'
import type { SessionState } from '../session-state.ts'
import { isOffered } from './auth.ts'
import { offersBinaryMime } from './parameters.ts'

/** HELO: gives the client a name, without extensions (RFC 5321 section 4.1.1.1). */
export function helo(argument: string, state: SessionState): void {
  if (setName(argument, state, false)) {
    state.reply(replies.hello(state.settings.hostname, state.name!))
  }
}

/** EHLO: gives the client a name, and lists the extensions (RFC 5321 section 4.1.1.1). */
export function ehlo(argument: string, state: SessionState): void {
  if (setName(argument, state, true)) {
    const { hostname } = state.settings
    state.reply(replies.extensions(hostname, state.name!, keywords(state)))
  }
}

/** Sets the client's name. Any name that is printable is accepted (RFC 5321 section 4.1.4). */
function setName(argument: string, state: SessionState, extended: boolean): boolean {
  const [word = ''] = argument.split(' ', 1)
  const name = copyOfPart(word, argument)
  if (!/^[!-~]{1,255}$/.test(name)) {
    state.reject(replies.badName)
    return false
  }
  state.name = name
  state.extended = extended
  state.dropTransaction()
  return true
}

/** The extensions that are offered now, one line each. */
function keywords(state: SessionState): string[] {
  const { settings, secure, user } = state
  const mechanisms = user === undefined ? settings.mechanisms.filter(each => isOffered(each, state)) : []
  return [
    'PIPELINING',
    // 0 means that there is no limit (RFC 1870 section 4).
    `SIZE ${Number.isFinite(settings.limits.messageBytes) ? settings.limits.messageBytes : 0}`,
    '8BITMIME',
    ...(settings.smtpUtf8 ? ['SMTPUTF8'] : []),
    'CHUNKING',
    ...(offersBinaryMime(settings) ? ['BINARYMIME'] : []),
    'ENHANCEDSTATUSCODES',
    ...(settings.tls !== 'none' && !secure ? ['STARTTLS'] : []),
    ...(mechanisms.length > 0 ? [`AUTH ${mechanisms.map(({ name }) => name).join(' ')}`] : []),
    `LIMITS RCPTMAX=${Math.min(settings.limits.recipients, rcptMaxLimit)}`,
    'HELP',
  ]
}

/** RCPTMAX has six digits at most (RFC 9422 section 4.2). More recipients are accepted nevertheless. */
const rcptMaxLimit = 999_999
