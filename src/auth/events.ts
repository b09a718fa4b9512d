import type { Client } from '../protocol/index.ts'

/** An event of access control: a login, or something that was not allowed. */
export type AccessEvent = { readonly client: Client } & (
  | AccessFailure
  | { readonly type: 'loggedIn'; readonly mechanism: string; readonly username: string }
)

/**
 * Why a client was not allowed to do something. It is for the log: the reply to the client does not tell the reasons
 * apart. Names and addresses are those that the client sent, without control characters.
 */
export type AccessFailure =
  /** The client's address is not in the list of allowed addresses. */
  | { readonly type: 'addressNotAllowed' }
  | LoginFailure
  /** The user may not send from this address. */
  | { readonly type: 'senderNotAllowed'; readonly username: string; readonly sender: string }

/** Why a login failed. */
export type LoginFailure = {
  /** The registered name of the mechanism, for example `PLAIN`. */
  readonly mechanism: string
  /** The user name that the client sent. */
  readonly username: string
} & (
  | {
      /** There is no user of that name, or the password is wrong. */
      readonly type: 'unknownUser' | 'wrongPassword'
    }
  | {
      /** The password is right, but the client asked to act as another user (RFC 4616 section 2). */
      readonly type: 'authorizationDenied'
      readonly authorizationId: string
    }
  | {
      /** The password could not be verified. The client is told to try again later. */
      readonly type: 'verifyFailed'
      readonly error: unknown
    }
)

/** Returns the reason in one sentence, in the words of the Go program if it has the case. Contains no secret. */
export function reasonOf(failure: AccessFailure, address: string): string {
  switch (failure.type) {
    case 'addressNotAllowed':
      return `Invalid client IP: ${address}`
    case 'unknownUser':
      return `Invalid username: ${failure.username}`
    case 'wrongPassword':
      return `Invalid password of user: ${failure.username}`
    case 'authorizationDenied':
      return `Invalid identity: user ${failure.username} may not act as ${failure.authorizationId}`
    case 'verifyFailed': {
      const { error } = failure
      return `Cannot verify a password: ${error instanceof Error ? error.message : String(error)}`
    }
    case 'senderNotAllowed':
      return `denied sender: user ${failure.username} may not send as ${failure.sender || 'the null sender'}`
  }
}
