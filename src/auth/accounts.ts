import type { Credentials } from '../protocol/sasl.ts'
import { Password, type PasswordHash } from './passwords.ts'

/** Someone who may log in, ready to be asked. */
export interface Account {
  /** What the client calls itself, case included. */
  readonly name: string
  /** For PLAIN and LOGIN. */
  readonly hash?: PasswordHash | undefined
  /** For CRAM-MD5, and for PLAIN and LOGIN where there is no hash. */
  readonly password?: Password | undefined
  /** Says which addresses this user may give in MAIL; left out: any. */
  readonly senders?: Expression | undefined
}

/** Says whether an expression matches anywhere in the text. */
export type Expression = (text: string) => boolean

/**
 * Everybody who may log in.
 *
 * A login that fails takes as long as the slowest account's hash, whether the name is known or not and whatever its own
 * hash costs: otherwise the time would tell which names exist, for most costs differ from the decoy's. One that
 * succeeds may be faster, for it tells nothing new.
 */
export class Accounts {
  readonly #byName: ReadonlyMap<string, Account>
  readonly #decoy: PasswordHash | undefined

  constructor(accounts: Iterable<Account>) {
    this.#byName = new Map([...accounts].map(account => [account.name, account]))
    let slowest: PasswordHash | undefined
    for (const { hash } of this.#byName.values()) {
      if (hash !== undefined && hash.cost > (slowest?.cost ?? 0)) slowest = hash
    }
    this.#decoy = slowest?.decoy()
  }

  /** The account of that name. */
  get(name: string): Account | undefined {
    return this.#byName.get(name)
  }

  /** Do the credentials prove what they say? Never for an unknown name. Rejects where a hash cannot be computed. */
  async verify(credentials: Credentials): Promise<boolean> {
    const { hash, password = dummyPassword } = this.#byName.get(credentials.username) ?? {}
    if (credentials.type === 'digest') return password.verifyHmac(credentials.challenge, credentials.digest)
    if (hash !== undefined) return hash.matches(credentials.password, this.#decoy?.cost)
    if (password.matches(credentials.password)) return true
    await this.#decoy?.matches(credentials.password)
    return false
  }
}

/** The password of those who have none. */
const dummyPassword = Password.unknown()
