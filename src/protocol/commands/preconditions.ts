import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import type { SessionState } from '../session-state.ts'
import { isBinary } from './parameters.ts'

/** What must hold before a command is obeyed: nothing, or the reply that says what is missing. */
export type Precondition = (dialogue: SessionState) => Reply | undefined

/** The first of the needs that does not hold, told. */
export function firstViolated(needs: readonly Precondition[], dialogue: SessionState): Reply | undefined {
  for (const need of needs) {
    const unmet = need(dialogue)
    if (unmet !== undefined) return unmet
  }
  return undefined
}

/** The needs of all commands. The first one in a command's row that does not hold is told. */
export const preconditions = {
  /** The host did not refuse the connection. */
  welcome: d => (d.connectionRefused ? replies.notWelcome : undefined),
  /** HELO or EHLO was said. */
  name: d => (d.name === undefined ? replies.helloFirst : undefined),
  /** EHLO was said. */
  extended: d => (d.extended ? undefined : replies.ehloFirst),
  /** TLS is up where it is required. */
  tls: d => (d.settings.tls === 'required' && !d.secure ? replies.tlsFirst : undefined),
  /** The client logged in where that is required. */
  login: d => (d.settings.authRequired && d.user === undefined ? replies.loginFirst : undefined),
  noLogin: d => (d.user === undefined ? undefined : replies.loginAlready),
  noTls: d => (d.secure ? replies.tlsAlready : undefined),
  noTransaction: d => (d.transaction === undefined ? undefined : replies.nestedMail),
  noTransactionForLogin: d => (d.transaction === undefined ? undefined : replies.loginInTransaction),
  /** MAIL was accepted. */
  sender: d => (d.transaction === undefined ? replies.mailFirst : undefined),
  /** RCPT was accepted at least once. */
  recipient: d => {
    if (d.transaction === undefined) return replies.rcptFirst
    if (d.transaction.recipients.length > 0) return undefined
    return d.transaction.refusedRecipient ? replies.noValidRecipients : replies.rcptFirst
  },
  /** No part of the content has come (RFC 3030 section 2). */
  noChunks: d => (d.transaction?.receiver === undefined ? undefined : replies.chunksBegun),
  /** The content has lines, so that it may be sent with DATA (RFC 3030 section 3). */
  lines: d => (d.transaction !== undefined && isBinary(d.transaction) ? replies.binaryNeedsBdat : undefined),
  roomForRecipient: d =>
    d.transaction !== undefined && d.transaction.recipients.length >= d.settings.limits.recipients
      ? replies.tooManyRecipients
      : undefined,
} satisfies Record<string, Precondition>
