/**
 * The room that decides who may come in: mechanisms turn what a client sends into credentials, accounts verify them,
 * the gatekeeper answers the engine's questions `connect`, `login` and `sender`. It knows the protocol's ports and
 * nothing of sockets or mail.
 *
 * @module aws-smtp-relay/auth
 */

export type { EventHandler } from '../support/emit.ts'
export {
  type AccessControl,
  type AccessControlOptions,
  type AccessPolicy,
  accessControl,
  mechanisms,
  requiresLogin,
  type User,
} from './access-control.ts'
export type { Account, Expression } from './accounts.ts'
export { AddressList } from './address-list.ts'
export { type AccessEvent, type AccessFailure, type LoginFailure, reasonOf } from './events.ts'
export { type CramMd5Options, cramMd5, login, plain } from './mechanisms.ts'
export { isBcryptHash, Password, PasswordHash, type VerifyHash } from './passwords.ts'
export {
  type CompileExpression,
  type ParseOptions,
  readUsers,
  type Users,
} from './users.ts'
export { UsersFile, type UsersFileOptions } from './users-file.ts'
