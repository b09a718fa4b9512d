/**
 * Access control: which clients may connect, log in and send. Mechanisms turn what a client sends into credentials,
 * `Users` verifies them, and `accessControl` answers the engine's questions `connect`, `login` and `sender`. This module
 * knows the interfaces of the engine, and nothing of sockets or messages.
 *
 * @module aws-smtp-relay/auth
 */

export type { EventHandler } from '../support/emit.ts'
export type { Expression } from '../support/expression.ts'
export {
  type AccessControl,
  type AccessControlOptions,
  type AccessPolicy,
  accessControl,
  mechanisms,
  requiresLogin,
  type UserOptions,
} from './access-control.ts'
export { AddressList } from './address-list.ts'
export { type AccessEvent, type AccessFailure, type LoginFailure, reasonOf } from './events.ts'
export { type CramMd5Options, cramMd5, login, plain } from './mechanisms.ts'
export { isBcryptHash, Password, PasswordHash, type VerifyHash } from './passwords.ts'
export {
  type CompileExpression,
  type ParseOptions,
  parseUsers,
  type User,
  type UsersByName,
} from './users.ts'
export { UsersFile, type UsersFileOptions } from './users-file.ts'
