import { type Client, type Host, type HostReply, type Mechanism, replies, reply } from '../protocol/index.ts'
import { type EventHandler, emit } from '../support/emit.ts'
import type { AddressList } from './address-list.ts'
import type { AccessEvent } from './events.ts'
import { cramMd5, login, plain } from './mechanisms.ts'
import { Password, PasswordHash, type VerifyHash } from './passwords.ts'
import { type User, Users, type UsersByName } from './users.ts'

/** Which clients may use the server. Without any user, the server accepts any credentials, and no login is required. */
export interface AccessPolicy {
  /** The addresses from which clients may connect, whether or not they log in. Any address if left out. */
  readonly addresses?: AddressList | undefined
  /** A user that may log in, in addition to those of `users`. */
  readonly user?: UserOptions | undefined
  /** More users, which may change while the server runs. `user` takes precedence over one of the same name. */
  readonly users?:
    | {
        /** Returns the users that may log in now. Called at every login, and for every sender. */
        current(): UsersByName | Promise<UsersByName>
      }
    | undefined
}

/** A user as it is configured. It needs a secret to log in; an empty secret counts as none. */
export interface UserOptions {
  /** The user name, as the client sends it. Case matters. */
  readonly name: string
  /** A bcrypt hash for PLAIN and LOGIN: `$2a$`, `$2b$` or `$2y$`. */
  readonly bcryptHash?: string | undefined
  /** The password for CRAM-MD5, and for PLAIN and LOGIN if there is no hash. */
  readonly password?: string | undefined
}

/** The settings of access control. */
export interface AccessControlOptions {
  /**
   * Receives every login, successful or not, every sender that a user may not use, and every address that is not allowed,
   * except for health checks of a load balancer.
   */
  readonly onEvent?: EventHandler<AccessEvent> | undefined
  /** Computes bcrypt; `@node-rs/bcrypt`, loaded at the first login, if left out. */
  readonly verifyHash?: VerifyHash
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number
}

/** The part of a host that decides which clients may connect, log in and send. */
export type AccessControl = Pick<Host, 'connect' | 'sender'> & Required<Pick<Host, 'login'>>

/** A client connects whose address is not in `--allow-ips` (RFC 5321 section 3.1). */
const addressNotAllowed = reply(554, '5.7.1', 'Mail is not accepted from your IP address')
/** MAIL names a sender that this user of `--users-file` may not use (RFC 5321 section 3.3). */
const senderNotAllowed = reply(550, '5.7.1', 'Your user may not send from this address')

/**
 * Creates the part of a host that enforces an access policy. It has no methods for what the policy does not restrict.
 *
 * A user with an expression may send from the addresses that it matches. The null sender is the empty text, as for `-l`,
 * so a user that sends bounces needs an expression such as `^$|@example\.org$`. A user that is no longer in the file may
 * not send any more, even in a session that goes on.
 * @throws TypeError if the bcrypt hash of `policy.user` is malformed
 */
export function accessControl(policy: AccessPolicy, options: AccessControlOptions = {}): AccessControl {
  const current = currentUsers(policy, options)
  return {
    ...(policy.addresses && { connect: checkAddress(policy.addresses, options) }),
    login: requiresLogin(policy) ? checkLogin(current, options) : acceptAnyCredentials(options),
    // The user of -u may send from any address. Only users of the file can be restricted.
    ...(policy.users && { sender: checkSender(current, options) }),
  }
}

/** Returns the mechanisms with which a login can succeed under this policy, in the order in which EHLO lists them. */
export function mechanisms(policy: AccessPolicy, hostname: string): readonly Mechanism[] {
  const { user, users } = policy
  if (!requiresLogin(policy) || user?.password) return [plain, login, cramMd5({ hostname })]
  return user?.bcryptHash || users ? [plain, login] : []
}

/** Returns true if clients have to log in before they may send. */
export function requiresLogin(policy: AccessPolicy): boolean {
  return policy.user !== undefined || policy.users !== undefined
}

type CurrentUsers = () => Users | Promise<Users>

function checkAddress(
  addresses: AddressList,
  options: AccessControlOptions,
): NonNullable<AccessControl['connect']> {
  return client => {
    if (addresses.has(client.address)) return undefined
    // A health check connects every few seconds and takes any reply as success: not worth a log line.
    if (!client.healthCheck) emit(options.onEvent, { type: 'addressNotAllowed', client })
    return addressNotAllowed
  }
}

/** Accepts any user name with any password: without users, logins do not protect anything. */
function acceptAnyCredentials(options: AccessControlOptions): AccessControl['login'] {
  return ({ mechanism, credentials: { username } }, client) => {
    emit(options.onEvent, { type: 'loggedIn', mechanism, username, client })
    return undefined
  }
}

function checkLogin(current: CurrentUsers, options: AccessControlOptions): AccessControl['login'] {
  return async ({ mechanism, credentials }, client) => {
    const { username } = credentials
    const authorizationId = credentials.type === 'password' ? credentials.authorizationId : undefined
    const users = await current()
    let verified: boolean
    try {
      verified = await users.verify(credentials)
    } catch (error) {
      emit(options.onEvent, { type: 'verifyFailed', mechanism, username, error, client })
      return replies.loginUnavailable
    }
    const login = { mechanism, username, client }
    if (users.get(username) === undefined) emit(options.onEvent, { type: 'unknownUser', ...login })
    else if (!verified) emit(options.onEvent, { type: 'wrongPassword', ...login })
    else if (authorizationId !== undefined && authorizationId !== username)
      emit(options.onEvent, { type: 'authorizationDenied', authorizationId, ...login })
    else {
      emit(options.onEvent, { type: 'loggedIn', ...login })
      return undefined
    }
    return replies.badCredentials
  }
}

function checkSender(
  current: CurrentUsers,
  options: AccessControlOptions,
): NonNullable<AccessControl['sender']> {
  const check = (sender: string, client: Client, users: Users): HostReply => {
    const { user: username = '' } = client
    const user = users.get(username)
    if (user !== undefined && (user.senders?.(sender) ?? true)) return undefined
    emit(options.onEvent, { type: 'senderNotAllowed', username, sender, client })
    return senderNotAllowed
  }
  return ({ address }, client) => {
    const users = current()
    return users instanceof Promise
      ? users.then(users => check(address, client, users))
      : check(address, client, users)
  }
}

/** Returns a function that returns the users that may log in at the moment of its call. */
function currentUsers({ user, users: source }: AccessPolicy, options: AccessControlOptions): CurrentUsers {
  const configured = user === undefined ? [] : [userOf(user, options)]
  let users = new Users(configured)
  if (source === undefined) return () => users

  let merged: UsersByName | undefined
  const merge = (found: UsersByName) => {
    if (found !== merged) users = new Users([...found.values(), ...configured])
    merged = found
    return users
  }
  return () => {
    const found = source.current()
    return found instanceof Promise ? found.then(merge) : merge(found)
  }
}

function userOf(
  { name, bcryptHash, password }: UserOptions,
  { verifyHash, now }: AccessControlOptions,
): User {
  return {
    name,
    hash: bcryptHash ? new PasswordHash(bcryptHash, verifyHash, now) : undefined,
    password: password ? new Password(password) : undefined,
  }
}
