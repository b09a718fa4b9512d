import type { Client } from '../protocol/host.ts'

/** What is told to those who watch: who logged in, and who was not let in. */
export type AccessEvent = { readonly client: Client } & (
  | AccessFailure
  | { readonly type: 'loggedIn'; readonly mechanism: string; readonly username: string }
)

/**
 * Why someone was not let in: for the log only, the client always hears the same. Names and addresses are as the client
 * sent them, without control characters.
 */
export type AccessFailure =
  /** The address of the client is not allowed. */
  | { readonly type: 'refusedAddress' }
  | LoginFailure
  /** The user may not send as this address. */
  | { readonly type: 'deniedSender'; readonly username: string; readonly sender: string }

/** Why a login was refused. */
export type LoginFailure = {
  /** Its registered name, for example `PLAIN`. */
  readonly mechanism: string
  /** Who the client said it is. */
  readonly username: string
} & (
  | {
      /** There is no user of that name; or there is, and this is not the password. */
      readonly type: 'unknownUser' | 'wrongPassword'
    }
  | {
      /** The password was right, but the client asked to act as somebody else (RFC 4616 section 2). */
      readonly type: 'otherIdentity'
      readonly actAs: string
    }
  | {
      /** The password could not be verified; the client is told to try again later. */
      readonly type: 'unavailable'
      readonly error: unknown
    }
)

/** The reason in one sentence, where it can be in that of the Go program. It holds no secret. */
export function reasonOf(failure: AccessFailure, address: string): string {
  switch (failure.type) {
    case 'refusedAddress':
      return `Invalid client IP: ${address}`
    case 'unknownUser':
      return `Invalid username: ${failure.username}`
    case 'wrongPassword':
      return `Invalid password of user: ${failure.username}`
    case 'otherIdentity':
      return `Invalid identity: user ${failure.username} may not act as ${failure.actAs}`
    case 'unavailable': {
      const { error } = failure
      return `Cannot verify a password: ${error instanceof Error ? error.message : String(error)}`
    }
    case 'deniedSender':
      return `denied sender: user ${failure.username} may not send as ${failure.sender || 'the null sender'}`
  }
}
