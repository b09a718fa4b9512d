import { copyOf } from '../grammar.ts'
import { replies } from '../replies.ts'
import type { SessionState } from '../session-state.ts'
import { isOffered } from './auth.ts'
import { offersBinaryMime } from './parameters.ts'

/** HELO: the client has a name, and wants no extensions (RFC 5321 section 4.1.1.1). */
export function helo(argument: string, dialogue: SessionState): void {
  if (greet(argument, dialogue, false)) {
    dialogue.reply(replies.hello(dialogue.settings.hostname, dialogue.name!))
  }
}

/** EHLO: the same, and it hears which extensions there are. */
export function ehlo(argument: string, dialogue: SessionState): void {
  if (greet(argument, dialogue, true)) {
    const { hostname } = dialogue.settings
    dialogue.reply(replies.extensions(hostname, dialogue.name!, keywords(dialogue)))
  }
}

/** Mail is never refused for an odd name, as long as it can be printed (RFC 5321 section 4.1.4). */
function greet(argument: string, dialogue: SessionState, extended: boolean): boolean {
  const [name = ''] = argument.split(' ', 1)
  const client = copyOf(name, argument)
  if (!/^[!-~]{1,255}$/.test(client)) {
    dialogue.reject(replies.badName)
    return false
  }
  dialogue.name = client
  dialogue.extended = extended
  dialogue.dropTransaction()
  return true
}

function keywords(dialogue: SessionState): string[] {
  const { settings, secure, user } = dialogue
  const mechanisms = user === undefined ? settings.mechanisms.filter(m => isOffered(m, dialogue)) : []
  return [
    'PIPELINING',
    // 0 says that there is no limit (RFC 1870 section 4).
    `SIZE ${Number.isFinite(settings.limits.messageBytes) ? settings.limits.messageBytes : 0}`,
    '8BITMIME',
    ...(settings.smtpUtf8 ? ['SMTPUTF8'] : []),
    'CHUNKING',
    ...(offersBinaryMime(settings) ? ['BINARYMIME'] : []),
    'ENHANCEDSTATUSCODES',
    ...(settings.tls !== 'none' && !secure ? ['STARTTLS'] : []),
    ...(mechanisms.length > 0 ? [`AUTH ${mechanisms.map(m => m.name).join(' ')}`] : []),
    `LIMITS RCPTMAX=${Math.min(settings.limits.recipients, rcptMaxLimit)}`,
    'HELP',
  ]
}

/** RCPTMAX has six digits at most (RFC 9422 section 4.2); more recipients are taken nevertheless. */
const rcptMaxLimit = 999_999
