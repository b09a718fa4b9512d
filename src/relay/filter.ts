import type { Client, Host } from '../protocol/host.ts'
import { type Reply, reply } from '../protocol/reply.ts'
import { type EventHandler, emit } from '../support/emit.ts'
import { importOptional } from '../support/optional-package.ts'
import type { Delivery, MessageEvent } from './events.ts'

/** A compiled regular expression: true where it matches anywhere in the text. It takes linear time. */
export type Expression = (text: string) => boolean

/** Which addresses may send and receive. What is left out allows everybody. */
export interface FilterRules<T = Expression> {
  /** Matches the senders that are allowed (`-l`); the null sender is the empty text. */
  readonly allowFrom?: T | undefined
  /** Matches the recipients that are denied (`-d`). */
  readonly denyTo?: T | undefined
  /** Matches the recipients that are allowed. */
  readonly allowTo?: T | undefined
}

/** Where an expression stands among the rules, in the words of the Go program. */
const labels = {
  allowFrom: 'Allowed sender emails',
  denyTo: 'Denied recipient emails',
  allowTo: 'Allowed recipient emails',
} as const satisfies Record<keyof FilterRules, string>

const deniedSender = 'denied sender: sender does not match the allowed emails regexp'
const deniedRecipient = 'denied recipients: recipients match the denied emails regexp'
const notAllowedRecipient = 'denied recipients: recipients do not match the allowed emails regexp'

/** MAIL names a sender that `--allow-from` does not match (RFC 5321 section 3.3). */
const senderRefused = reply(550, '5.7.1', 'This sender is not allowed here')
/** RCPT names a recipient that `--deny-to` matches, or `--allow-to` does not (RFC 5321 section 3.3). */
const recipientRefused = reply(550, '5.7.1', 'Mail to this recipient is not allowed here')

/**
 * Compiles the operator's expressions, which have the syntax of RE2. Rejects with an `Error` whose message is for the
 * operator: `Allowed sender emails: error parsing regexp: missing closing ): …`. RE2 is loaded only if there is one.
 */
export async function compileRules(sources: FilterRules<string>): Promise<FilterRules> {
  const rules: { -readonly [K in keyof FilterRules]: FilterRules[K] } = {}
  for (const place of Object.keys(labels) as (keyof FilterRules)[]) {
    // An empty expression is none, as in the Go program.
    if (sources[place]) rules[place] = await compileExpression(sources[place], labels[place])
  }
  return rules
}

/** Compiles one expression of RE2. Rejects with an `Error` that says `<place>: error parsing regexp: …`. */
export async function compileExpression(source: string, place: string): Promise<Expression> {
  const { RE2JS } = await importOptional('re2js', `${place}: an expression`, () => import('re2js'))
  try {
    const pattern = RE2JS.compile(source)
    return text => pattern.test(text)
  } catch (error) {
    throw new Error(`${place}: ${(error as Error).message}`)
  }
}

/** The part of the host that refuses addresses. Each refusal is told, without a size: no mail had come. */
export function filter(
  rules: FilterRules,
  witness: EventHandler<MessageEvent> | undefined,
  now: () => Date = () => new Date(),
): Required<Pick<Host, 'sender' | 'recipient'>> {
  const { allowFrom, denyTo, allowTo } = rules

  function refuse(client: Client, refusal: Pick<Delivery, 'from' | 'to' | 'error' | 'rejected'>): void {
    const { address: ip, user } = client
    emit(witness, { type: 'delivery', time: now(), ip, ...refusal, ...(user !== undefined && { user }) })
  }

  function refuseRecipient(client: Client, from: string, to: string, error: string): Reply {
    refuse(client, { from, to: [to], error, rejected: 'recipient' })
    return recipientRefused
  }

  return {
    sender({ address }, client) {
      if (allowFrom === undefined || allowFrom(address)) return undefined
      refuse(client, { from: address, to: [], error: deniedSender, rejected: 'sender' })
      return senderRefused
    },
    recipient({ address, sender }, client) {
      if (denyTo?.(address)) return refuseRecipient(client, sender, address, deniedRecipient)
      if (allowTo === undefined || allowTo(address)) return undefined
      return refuseRecipient(client, sender, address, notAllowedRecipient)
    },
  }
}
