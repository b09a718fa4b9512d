import type { HostReply } from '../protocol/events.ts'
import type { Client, Host } from '../protocol/host.ts'
import { replies } from '../protocol/replies.ts'
import { reply } from '../protocol/reply.ts'
import type { Mechanism } from '../protocol/sasl.ts'
import { type EventHandler, emit } from '../support/emit.ts'
import { type Account, Accounts } from './accounts.ts'
import type { AddressList } from './address-list.ts'
import type { AccessEvent } from './events.ts'
import { cramMd5, login, plain } from './mechanisms.ts'
import { Password, PasswordHash, type VerifyHash } from './passwords.ts'
import type { Users } from './users.ts'

/** Who may use the server. Without any user everybody may log in, and whoever does is believed. */
export interface AccessPolicy {
  /** The addresses that clients may come from; left out: any. Users have to come from there, too. */
  readonly addresses?: AddressList | undefined
  /** One who may log in, besides those of `users`. */
  readonly user?: User | undefined
  /** More users, who may change while the server runs. One with the name of `user` is not asked. */
  readonly users?:
    | {
        /** Called at every login; everybody who may log in now, by name. */
        current(): Users | Promise<Users>
      }
    | undefined
}

/** Someone who may log in. Without a secret nobody can log in as this user; an empty one is none. */
export interface User {
  /** What the client calls itself, case included. */
  readonly name: string
  /** For PLAIN and LOGIN: `$2a$`, `$2b$` or `$2y$`. */
  readonly bcryptHash?: string | undefined
  /** For CRAM-MD5, and for PLAIN and LOGIN where there is no hash. */
  readonly password?: string | undefined
}

/** What a gatekeeper may be given to work with. */
export interface AccessControlOptions {
  /**
   * Receives every login, accepted or refused, every sender that a user may not use, and every address that is refused,
   * except where the connection is a load balancer's health check.
   */
  readonly onEvent?: EventHandler<AccessEvent> | undefined
  /** Computes bcrypt; by default `@node-rs/bcrypt`, loaded at the first login. */
  readonly verifyHash?: VerifyHash
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number
}

/** The part of a host that decides who may come in, and as whom. */
export type AccessControl = Pick<Host, 'connect' | 'sender'> & Required<Pick<Host, 'login'>>

/** A client connects whose address is not in `--allow-ips` (RFC 5321 section 3.1). */
const addressRefused = reply(554, '5.7.1', 'Mail is not accepted from your IP address')
/** MAIL names a sender that this user of `--users-file` may not use (RFC 5321 section 3.3). */
const senderRefused = reply(550, '5.7.1', 'Your user may not send from this address')

/**
 * Makes the part of a host that holds clients against the access; what needs no decision is left out.
 * Throws a TypeError where a hash is malformed.
 *
 * A user with an expression may send as the addresses that it matches; the null sender is the empty text, as for `-l`.
 * So who sends bounces needs an expression such as `^$|@example\.org$`. A user who is no longer in the file may send no
 * more, also where the session goes on.
 */
export function accessControl(access: AccessPolicy, ports: AccessControlOptions = {}): AccessControl {
  const current = accountsOf(access, ports)
  return {
    ...(access.addresses && { connect: checkAddress(access.addresses, ports) }),
    login: requiresLogin(access) ? checkLogin(current, ports) : acceptAnyCredentials(ports),
    // The user of -u may send as anybody: only users of the file can be limited.
    ...(access.users && { sender: checkSender(current, ports) }),
  }
}

/** The ways to log in that can succeed under this access, in the order in which EHLO lists them. */
export function mechanisms(access: AccessPolicy, hostname: string): readonly Mechanism[] {
  const { user, users } = access
  if (!requiresLogin(access) || user?.password) return [plain, login, cramMd5({ hostname })]
  return user?.bcryptHash || users ? [plain, login] : []
}

/** True when nobody may send without having logged in. */
export function requiresLogin(access: AccessPolicy): boolean {
  return access.user !== undefined || access.users !== undefined
}

type Current = () => Accounts | Promise<Accounts>

function checkAddress(
  addresses: AddressList,
  ports: AccessControlOptions,
): NonNullable<AccessControl['connect']> {
  return client => {
    if (addresses.has(client.address)) return undefined
    // It comes every few seconds, and is content with any answer.
    if (!client.healthCheck) emit(ports.onEvent, { type: 'refusedAddress', client })
    return addressRefused
  }
}

/** Everybody is who he says he is. */
function acceptAnyCredentials(ports: AccessControlOptions): AccessControl['login'] {
  return ({ mechanism, credentials: { username } }, client) => {
    emit(ports.onEvent, { type: 'loggedIn', mechanism, username, client })
    return undefined
  }
}

function checkLogin(current: Current, ports: AccessControlOptions): AccessControl['login'] {
  return async ({ mechanism, credentials }, client) => {
    const { username } = credentials
    const actAs = credentials.type === 'password' ? credentials.authorizationId : undefined
    const accounts = await current()
    let right: boolean
    try {
      right = await accounts.verify(credentials)
    } catch (error) {
      emit(ports.onEvent, { type: 'unavailable', mechanism, username, error, client })
      return replies.loginUnavailable
    }
    const login = { mechanism, username, client }
    if (accounts.get(username) === undefined) emit(ports.onEvent, { type: 'unknownUser', ...login })
    else if (!right) emit(ports.onEvent, { type: 'wrongPassword', ...login })
    else if (actAs !== undefined && actAs !== username)
      emit(ports.onEvent, { type: 'otherIdentity', actAs, ...login })
    else {
      emit(ports.onEvent, { type: 'loggedIn', ...login })
      return undefined
    }
    return replies.badCredentials
  }
}

function checkSender(current: Current, ports: AccessControlOptions): NonNullable<AccessControl['sender']> {
  const judge = (sender: string, client: Client, accounts: Accounts): HostReply => {
    const { user: username = '' } = client
    const account = accounts.get(username)
    if (account !== undefined && (account.senders?.(sender) ?? true)) return undefined
    emit(ports.onEvent, { type: 'deniedSender', username, sender, client })
    return senderRefused
  }
  return ({ address }, client) => {
    const accounts = current()
    return accounts instanceof Promise
      ? accounts.then(accounts => judge(address, client, accounts))
      : judge(address, client, accounts)
  }
}

/** Everybody who may log in at the moment of the call. */
function accountsOf({ user, users }: AccessPolicy, ports: AccessControlOptions): Current {
  const own = user === undefined ? [] : [account(user, ports)]
  let accounts = new Accounts(own)
  if (users === undefined) return () => accounts

  let merged: Users | undefined
  const merge = (found: Users) => {
    if (found !== merged) accounts = new Accounts([...found.values(), ...own])
    merged = found
    return accounts
  }
  return () => {
    const found = users.current()
    return found instanceof Promise ? found.then(merge) : merge(found)
  }
}

function account({ name, bcryptHash, password }: User, { verifyHash, now }: AccessControlOptions): Account {
  return {
    name,
    hash: bcryptHash ? new PasswordHash(bcryptHash, verifyHash, now) : undefined,
    password: password ? new Password(password) : undefined,
  }
}
