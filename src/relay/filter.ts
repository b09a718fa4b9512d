import { type Client, type Host, type Reply, reply } from '../protocol/index.ts'
import { type EventHandler, emit } from '../support/emit.ts'
import { compileExpression, type Expression } from '../support/expression.ts'
import type { Delivery, MessageEvent } from './events.ts'

/** Which addresses may send and receive. A rule that is left out allows all addresses. */
export interface FilterRules<T = Expression> {
  /** Matches the senders that are allowed (`-l`). The null sender is the empty text. */
  readonly allowFrom?: T | undefined
  /** Matches the recipients that are denied (`-d`). */
  readonly denyTo?: T | undefined
  /** Matches the recipients that are allowed. */
  readonly allowTo?: T | undefined
}

/** Names of the rules in error messages, in the words of the Go program. */
const labels = {
  allowFrom: 'Allowed sender emails',
  denyTo: 'Denied recipient emails',
  allowTo: 'Allowed recipient emails',
} as const satisfies Record<keyof FilterRules, string>

const senderReason = 'denied sender: sender does not match the allowed emails regexp'
const denyToReason = 'denied recipients: recipients match the denied emails regexp'
const allowToReason = 'denied recipients: recipients do not match the allowed emails regexp'

/** MAIL names a sender that `--allow-from` does not match (RFC 5321 section 3.3). */
const senderDenied = reply(550, '5.7.1', 'This sender is not allowed here')
/** RCPT names a recipient that `--deny-to` matches, or `--allow-to` does not (RFC 5321 section 3.3). */
const recipientDenied = reply(550, '5.7.1', 'Mail to this recipient is not allowed here')

/**
 * Compiles the rules, which have the syntax of RE2. An empty expression counts as none, as in the Go program. The package
 * `re2js` is loaded only if there is an expression.
 * @throws Error for the operator: `Allowed sender emails: error parsing regexp: missing closing ): …`
 */
export async function compileRules(sources: FilterRules<string>): Promise<FilterRules> {
  const rules: { -readonly [K in keyof FilterRules]: FilterRules[K] } = {}
  for (const rule of Object.keys(labels) as (keyof FilterRules)[]) {
    if (sources[rule]) rules[rule] = await compileExpression(sources[rule], labels[rule])
  }
  return rules
}

/**
 * Creates the part of a host that rejects senders and recipients. Emits a `delivery` event for each rejection, without a
 * size, because no content was received.
 */
export function filter(
  rules: FilterRules,
  onEvent: EventHandler<MessageEvent> | undefined,
  now: () => Date = () => new Date(),
): Required<Pick<Host, 'sender' | 'recipient'>> {
  const { allowFrom, denyTo, allowTo } = rules

  function emitRejection(
    client: Client,
    rejection: Pick<Delivery, 'from' | 'to' | 'error' | 'rejected'>,
  ): void {
    const { address: ip, user } = client
    emit(onEvent, { type: 'delivery', time: now(), ip, ...rejection, ...(user !== undefined && { user }) })
  }

  function rejectRecipient(client: Client, from: string, to: string, error: string): Reply {
    emitRejection(client, { from, to: [to], error, rejected: 'recipient' })
    return recipientDenied
  }

  return {
    sender({ address }, client) {
      if (allowFrom === undefined || allowFrom(address)) return undefined
      emitRejection(client, { from: address, to: [], error: senderReason, rejected: 'sender' })
      return senderDenied
    },
    recipient({ address, sender }, client) {
      if (denyTo?.(address)) return rejectRecipient(client, sender, address, denyToReason)
      if (allowTo === undefined || allowTo(address)) return undefined
      return rejectRecipient(client, sender, address, allowToReason)
    },
  }
}
