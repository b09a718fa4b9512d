import { isBinary } from '../events.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import type { SessionState } from '../session-state.ts'

/** What must hold before a command is executed. Returns the reply if it does not, or undefined. */
export type Precondition = (state: SessionState) => Reply | undefined

/** Returns the reply for the first violated precondition, or undefined. */
export function firstViolated(
  preconditions: readonly Precondition[],
  state: SessionState,
): Reply | undefined {
  for (const precondition of preconditions) {
    const reply = precondition(state)
    if (reply !== undefined) return reply
  }
  return undefined
}

/** The preconditions of all commands. */
export const preconditions = {
  /** The host has not refused the connection. */
  accepted: s => (s.connectionRefused ? replies.connectionRefused : undefined),
  /** The client has sent HELO or EHLO. */
  hello: s => (s.name === undefined ? replies.helloFirst : undefined),
  /** The client has sent EHLO. */
  extended: s => (s.extended ? undefined : replies.ehloFirst),
  /** TLS is up, if it is required. */
  encrypted: s => (s.settings.tls === 'required' && !s.secure ? replies.tlsFirst : undefined),
  notEncrypted: s => (s.secure ? replies.tlsAlready : undefined),
  /** The client has logged in, if that is required. */
  authenticated: s => (s.settings.authRequired && s.user === undefined ? replies.authRequired : undefined),
  notAuthenticated: s => (s.user === undefined ? undefined : replies.loginAlready),
  noTransaction: s => (s.transaction === undefined ? undefined : replies.nestedMail),
  noTransactionForAuth: s => (s.transaction === undefined ? undefined : replies.loginInTransaction),
  /** MAIL was accepted. */
  sender: s => (s.transaction === undefined ? replies.mailFirst : undefined),
  /** RCPT was accepted at least once. */
  recipient: s => {
    if (s.transaction === undefined) return replies.rcptFirst
    if (s.transaction.recipients.length > 0) return undefined
    return s.transaction.hasRefusedRecipient ? replies.noValidRecipients : replies.rcptFirst
  },
  /** No chunk of the content has come (RFC 3030 section 2). */
  noBdat: s => (s.transaction?.receiver === undefined ? undefined : replies.bdatInProgress),
  /** The content has lines, so that DATA can carry it (RFC 3030 section 3). */
  textBody: s =>
    s.transaction !== undefined && isBinary(s.transaction) ? replies.binaryNeedsBdat : undefined,
  /** One more recipient is within the limit. */
  recipientLimit: s =>
    s.transaction !== undefined && s.transaction.recipients.length >= s.settings.limits.recipients
      ? replies.tooManyRecipients
      : undefined,
} satisfies Record<string, Precondition>
