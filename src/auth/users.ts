import type { Credentials } from '../protocol/index.ts'
import type { Expression } from '../support/expression.ts'
import { isBcryptHash, Password, PasswordHash, type VerifyHash } from './passwords.ts'

/** A user whose credentials can be verified. */
export interface User {
  /** The user name, as the client sends it. Case matters. */
  readonly name: string
  /** Verifies PLAIN and LOGIN. */
  readonly hash?: PasswordHash | undefined
  /** Verifies CRAM-MD5, and PLAIN and LOGIN if there is no hash. */
  readonly password?: Password | undefined
  /** Matches the addresses that the user may name in MAIL. Any address if left out. */
  readonly senders?: Expression | undefined
}

/** Users by name. */
export type UsersByName = ReadonlyMap<string, User>

/**
 * The users that can log in.
 *
 * A failed login takes as long as the slowest hash of all users, for known and unknown names alike and whatever the
 * user's own hash costs. Otherwise the time would show which names exist, because most hashes differ from the decoy's
 * cost. A successful login may be faster: it shows nothing new.
 */
export class Users {
  readonly #byName: UsersByName
  readonly #decoy: PasswordHash | undefined

  /** @param users if two have the same name, the later one counts */
  constructor(users: Iterable<User>) {
    this.#byName = new Map([...users].map(user => [user.name, user]))
    let slowest: PasswordHash | undefined
    for (const { hash } of this.#byName.values()) {
      if (hash !== undefined && hash.cost > (slowest?.cost ?? 0)) slowest = hash
    }
    this.#decoy = slowest?.decoy()
  }

  /** The user of that name. */
  get(name: string): User | undefined {
    return this.#byName.get(name)
  }

  /**
   * Returns true if the credentials are those of the user that they name, false if they are not or there is no such user.
   * @throws Error if a hash cannot be computed
   */
  async verify(credentials: Credentials): Promise<boolean> {
    const { hash, password = dummyPassword } = this.#byName.get(credentials.username) ?? {}
    if (credentials.type === 'digest') return password.verifyHmac(credentials.challenge, credentials.digest)
    if (hash !== undefined) return hash.matches(credentials.password, this.#decoy?.cost)
    if (password.matches(credentials.password)) return true
    await this.#decoy?.matches(credentials.password)
    return false
  }
}

/** Stands in for the password of users that have none or do not exist. */
const dummyPassword = Password.random()

/** Compiles an expression. Rejects with an Error for the operator: `<place>: <what is wrong>`. */
export type CompileExpression = (source: string, place: string) => Promise<Expression>

/** The settings with which a users file is parsed. */
export interface ParseOptions {
  /** The name of the file in error messages. */
  readonly path: string
  /** Compiles the expressions after the hashes. */
  readonly compile: CompileExpression
  /** The user that is configured elsewhere (`-u`). A user of the same name in the file is an error. */
  readonly otherUser?: string | undefined
  /** Computes bcrypt; `@node-rs/bcrypt`, loaded at the first login, if left out. */
  readonly verifyHash?: VerifyHash | undefined
  /** Milliseconds on a clock that never goes back. */
  readonly now?: (() => number) | undefined
}

/**
 * Parses a users file, which has the lines that `htpasswd -B` writes: `name:hash`, or `name:hash:expression` for a user
 * that may only send as addresses that the expression matches. Blank lines, lines that begin with `#`, and white space at
 * both ends of a line are ignored. An empty expression counts as none. A file without users is valid: no user can log in.
 *
 * The last line must end with a newline. Without one the file may have been cut off, and a user whose expression is
 * missing could send as any address.
 *
 * @throws Error for the operator: `file:line: …`. The message shows neither names nor hashes: if fields were mixed up,
 *   either may be the secret.
 */
export async function parseUsers(bytes: Buffer, options: ParseOptions): Promise<UsersByName> {
  const { path, compile, otherUser, verifyHash, now } = options
  const users = new Map<string, User>()
  const lines = new Map<string, number>()
  if (bytes.length > 0 && bytes.at(-1) !== newline)
    throw new Error(`${path}: the last line does not end with a newline; the file may be incomplete`)
  for (const [i, text] of decode(bytes, path).split('\n').entries()) {
    const line = text.trim()
    if (line === '' || line.startsWith('#')) continue
    const place = `${path}:${i + 1}`
    const invalid = (what: string) => new Error(`${place}: ${what}`)

    const [, name = '', hash = '', source = ''] = /^([^:]*):([^:]*)(?::(.*))?$/s.exec(line) ?? []
    if (hash === '') throw invalid('not a line of the form user:hash or user:hash:expression')
    if (name === '') throw invalid('the user name is empty')
    if (/\p{Cc}/u.test(line)) throw invalid('control characters are not allowed')
    if (!isBcryptHash(hash))
      throw invalid('the text after the user name is not a bcrypt hash; create one with htpasswd -B')
    const earlier = lines.get(name)
    if (earlier !== undefined) throw invalid(`the same user as in line ${earlier}`)
    if (name === otherUser) throw invalid('the same user as -u/--user')

    const passwordHash = new PasswordHash(hash, verifyHash, now)
    if (passwordHash.cost > maxCost)
      throw invalid(`the cost of the hash is above ${maxCost}, which takes too long`)
    lines.set(name, i + 1)
    const senders = source === '' ? undefined : await compile(source, place).catch(withoutQuote)
    users.set(name, { name, hash: passwordHash, senders })
  }
  return users
}

const newline = 0x0a

/** Rethrows the error of an expression without the excerpt of the expression that it quotes. */
function withoutQuote(error: Error): never {
  throw new Error(error.message.replace(/: `.*$/s, ''))
}

/** The highest cost that htpasswd accepts, some seconds. Every failed login takes as long as the most expensive hash. */
const maxCost = 17

function decode(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Error(`${path}: the file is not valid UTF-8`)
  }
}
