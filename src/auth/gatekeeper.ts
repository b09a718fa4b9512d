import type { Verdict } from '../protocol/events.ts'
import type { Client, Host } from '../protocol/host.ts'
import { replies } from '../protocol/replies.ts'
import type { Credentials, Mechanism } from '../protocol/sasl.ts'
import { cramMd5, login, plain } from './mechanisms.ts'
import { Password, PasswordHash, sameText, type VerifyHash } from './passwords.ts'

/** Who may use the server. Without a user everybody may, and whoever logs in is believed. */
export interface Access {
  readonly user?: User | undefined
}

/** Someone who may log in. Without a secret nobody can log in as this user; an empty one is none. */
export interface User {
  readonly name: string
  /** For PLAIN and LOGIN: `$2a$`, `$2b$` or `$2y$`. */
  readonly bcryptHash?: string | undefined
  /** For CRAM-MD5, and for PLAIN and LOGIN where there is no hash. */
  readonly password?: string | undefined
}

/** Why a login was refused: for the log only, the client always hears the same. The names are as the client sent them. */
export type LoginFailure = {
  readonly mechanism: string
  readonly username: string
} & (
  | { readonly type: 'unknownUser' }
  | { readonly type: 'wrongPassword' }
  /** The password was right, but the client asked to act as somebody else (RFC 4616 section 2). */
  | { readonly type: 'otherIdentity'; readonly actAs: string }
  /** The password could not be verified; the client is told to try again later. */
  | { readonly type: 'unavailable'; readonly error: unknown }
)

/** What a gatekeeper may be given to work with. */
export interface GatekeeperPorts {
  /** Called for every refused login. */
  onFailure?(failure: LoginFailure, client: Client): void
  /** Computes bcrypt; by default `@node-rs/bcrypt`, loaded at the first login. */
  readonly verifyHash?: VerifyHash
}

/** The part of a host that decides who may come in. */
export type Gatekeeper = Pick<Host, 'connect'> & Required<Pick<Host, 'login'>>

/** Makes the part of a host that holds logins against the access. Throws a TypeError where a hash is malformed. */
export function gatekeeper(access: Access, ports: GatekeeperPorts = {}): Gatekeeper {
  const { user } = access
  if (user === undefined) return { login: () => undefined }

  const secrets: Secrets = {
    hash: user.bcryptHash ? new PasswordHash(user.bcryptHash, ports.verifyHash) : undefined,
    password: user.password ? new Password(user.password) : undefined,
  }
  // Who asks for a user that does not exist waits as long and hears the same as with a wrong password.
  const decoys: Secrets = { hash: secrets.hash?.decoy(), password: secrets.password?.decoy() }

  return {
    async login({ mechanism, credentials }, client): Promise<Verdict> {
      const { username } = credentials
      const actAs = credentials.type === 'password' ? credentials.actAs : undefined
      const known = sameText(username, user.name)
      let right: boolean
      try {
        right = await matches(known ? secrets : decoys, credentials)
      } catch (error) {
        ports.onFailure?.({ type: 'unavailable', mechanism, username, error }, client)
        return replies.loginUnavailable
      }
      if (!known) ports.onFailure?.({ type: 'unknownUser', mechanism, username }, client)
      else if (!right) ports.onFailure?.({ type: 'wrongPassword', mechanism, username }, client)
      else if (actAs !== undefined && actAs !== username)
        ports.onFailure?.({ type: 'otherIdentity', mechanism, username, actAs }, client)
      else return undefined
      return replies.badCredentials
    },
  }
}

/** The ways to log in that can succeed under this access, in the order in which EHLO lists them. */
export function mechanisms(access: Access, hostname: string): readonly Mechanism[] {
  const { user } = access
  if (user === undefined || user.password) return [plain, login, cramMd5({ hostname })]
  return user.bcryptHash ? [plain, login] : []
}

/** True when nobody may send without having logged in. */
export function requiresLogin(access: Access): boolean {
  return access.user !== undefined
}

interface Secrets {
  readonly hash: PasswordHash | undefined
  readonly password: Password | undefined
}

function matches({ hash, password }: Secrets, credentials: Credentials): boolean | Promise<boolean> {
  if (credentials.type === 'digest') {
    return password?.signed(credentials.challenge, credentials.digest) ?? false
  }
  return (hash ?? password)?.matches(credentials.password) ?? false
}
