import { type Reply, reply } from '../../protocol/index.ts'
import type { CallOutcome } from '../events.ts'
import { type ErrorInfo, inspectError, logTextOf, toReplyText } from './error-info.ts'
import { type ErrorRule, errorTable, unknownError } from './error-table.ts'
import { Refused } from './refused.ts'

/** Why a message is not delivered: all that the reply, the retries, the log and the metrics need to know of an error. */
export class DeliveryFailure {
  /** The reply to the client: one line of printable ASCII, 4xx or 5xx. */
  readonly reply: Reply
  /** The backend did not accept the message, and may accept it in a moment. */
  readonly retryable: boolean
  /** `<name>: <message>` for the log. */
  readonly logText: string
  readonly #template: string
  readonly #text: string

  constructor(rule: Pick<ErrorRule, 'reply' | 'retryable'>, info: ErrorInfo) {
    this.retryable = rule.retryable ?? false
    this.logText = logTextOf(info)
    this.#template = String(rule.reply.text)
    this.#text = info.text
    this.reply = this.#replyWith(rule.reply, info.text)
  }

  /** How the call of the backend ended, for the metrics. */
  get outcome(): Exclude<CallOutcome, 'accepted'> {
    const { code } = this.reply
    // RFC 4954 defines 454 for AUTH only. In the error table it always means that the backend takes no more for now.
    if (code === 454) return 'throttled'
    return code < 500 ? 'temporary' : 'permanent'
  }

  /** Returns the reply with the recipient that it is about, for a message that was accepted for other recipients. */
  replyNaming(recipient: string): Reply {
    return this.#replyWith(this.reply, `${recipient}: ${this.#text}`)
  }

  #replyWith({ code, status }: Reply, text: string): Reply {
    return reply(
      code,
      status!,
      this.#template.replace('{text}', () => toReplyText(text)),
    )
  }
}

/**
 * Classifies an error by the first row of `errorTable` that matches, or by its own reply if it is a `Refused`. An error
 * that matches no row is a temporary failure. Call it once for each error, where the error is caught.
 */
export function classify(error: unknown): DeliveryFailure {
  const info = inspectError(error)
  if (error instanceof Refused)
    return new DeliveryFailure({ reply: { ...error.reply, text: '{text}' } }, info)
  return new DeliveryFailure(errorTable.find(rule => matches(rule, info)) ?? unknownError, info)
}

function matches({ names, text, http }: ErrorRule, info: ErrorInfo): boolean {
  if (names && !names.some(name => info.names.has(name))) return false
  if (text && !text.test(info.text)) return false
  return http === undefined || (info.http !== undefined && http.includes(info.http))
}
