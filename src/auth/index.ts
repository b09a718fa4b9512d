/**
 * The room that decides who may come in: mechanisms turn what a client sends into credentials, passwords verify them,
 * the gatekeeper answers the engine's question `login`. It knows the protocol's ports and nothing of sockets or mail.
 */
export {
  type Access,
  type Gatekeeper,
  type GatekeeperPorts,
  gatekeeper,
  type LoginFailure,
  mechanisms,
  requiresLogin,
  type User,
} from './gatekeeper.ts'
export { type CramMd5Options, cramMd5, login, plain } from './mechanisms.ts'
export { isBcryptHash, Password, PasswordHash, sameText, type VerifyHash } from './passwords.ts'
