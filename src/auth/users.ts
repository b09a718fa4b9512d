import type { Account, Expression } from './accounts.ts'
import { isBcryptHash, PasswordHash, type VerifyHash } from './passwords.ts'

/** Accounts by the name of their user. */
export type Users = ReadonlyMap<string, Account>

/** Makes an expression of its source, or rejects with an Error that says `<place>: <what is wrong>`. */
export type CompileExpression = (source: string, place: string) => Promise<Expression>

/** How the lines of a file of users are read. */
export interface ParseOptions {
  /** The name of the file in what is said about its lines. */
  readonly path: string
  /** The syntax of the expressions behind the hashes. */
  readonly compile: CompileExpression
  /** The user who is settled elsewhere (`-u`); another one of that name is an error. */
  readonly otherUser?: string | undefined
  /** Computes bcrypt; by default `@node-rs/bcrypt`, loaded at the first login. */
  readonly verifyHash?: VerifyHash | undefined
  /** Milliseconds on a clock that never goes back. */
  readonly now?: (() => number) | undefined
}

/**
 * Reads users as `htpasswd -B` writes them, one a line: `name:hash`, or `name:hash:expression` for one who may send as
 * addresses that the expression matches only. Blank lines, lines that begin with `#`, and white space at both ends of
 * a line are passed over; an empty expression is none. A file without users is one: nobody can log in.
 *
 * The last line has to end with a newline: without one the file may have been cut, and a user whose expression is missing
 * could send as any address.
 *
 * Rejects with an Error for the operator, `file:line: …`. It shows neither names nor hashes: where fields were mixed up,
 * either may be the secret.
 */
export async function readUsers(bytes: Buffer, reading: ParseOptions): Promise<Users> {
  const { path, compile, otherUser, verifyHash, now } = reading
  const users = new Map<string, Account>()
  const lines = new Map<string, number>()
  if (bytes.length > 0 && bytes.at(-1) !== newline)
    throw new Error(`${path}: the last line does not end with a newline; the file may be incomplete`)
  for (const [i, text] of decode(bytes, path).split('\n').entries()) {
    const line = text.trim()
    if (line === '' || line.startsWith('#')) continue
    const place = `${path}:${i + 1}`
    const wrong = (what: string) => new Error(`${place}: ${what}`)

    const [, name = '', hash = '', source = ''] = /^([^:]*):([^:]*)(?::(.*))?$/s.exec(line) ?? []
    if (hash === '') throw wrong('not a line of the form user:hash or user:hash:expression')
    if (name === '') throw wrong('the name of the user is empty')
    if (/\p{Cc}/u.test(line)) throw wrong('control characters are not possible')
    if (!isBcryptHash(hash)) throw wrong('behind the user stands no bcrypt hash, as htpasswd -B makes it')
    const earlier = lines.get(name)
    if (earlier !== undefined) throw wrong(`the user of line ${earlier} again`)
    if (name === otherUser) throw wrong('the user of -u/--user again')

    const passwordHash = new PasswordHash(hash, verifyHash, now)
    if (passwordHash.cost > highestCost) throw wrong(`a cost above ${highestCost} would take too long`)
    lines.set(name, i + 1)
    const senders = source === '' ? undefined : await compile(source, place).catch(withoutQuote)
    users.set(name, { name, hash: passwordHash, senders })
  }
  return users
}

const newline = 0x0a

/** What is wrong with an expression, without the part of it that shows where. */
function withoutQuote(error: Error): never {
  throw new Error(error.message.replace(/: `.*$/s, ''))
}

/** The highest that htpasswd makes; some seconds. Every failed login takes as long as the costliest of the hashes. */
const highestCost = 17

function decode(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Error(`${path}: not UTF-8`)
  }
}
