import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { importOptional } from '../support/optional-package.ts'
import { ConcurrencyLimit } from './concurrency-limit.ts'

/** Holds a password against a bcrypt hash; rejects where it cannot. */
export type VerifyHash = (password: string, hash: string) => Promise<boolean>

/** True of a bcrypt hash that a password can match: `$2a$`, `$2b$` or `$2y$`, a cost of 04 to 31, salt and digest. */
export function isBcryptHash(text: string): boolean {
  return bcryptHash.test(text)
}

/** A password that is known in clear. */
export class Password {
  readonly #text: string
  readonly #digest: Buffer

  constructor(text: string) {
    this.#text = text
    this.#digest = digest(text)
  }

  /** Is this the password? */
  matches(password: string): boolean {
    return timingSafeEqual(digest(password), this.#digest)
  }

  /** Is this the HMAC-MD5 of the challenge, keyed with the password (RFC 2195)? */
  verifyHmac(challenge: string, digest: Buffer): boolean {
    const expected = createHmac('md5', this.#text).update(challenge).digest()
    return digest.length === expected.length && timingSafeEqual(digest, expected)
  }

  /** A password that nobody knows, to be asked on behalf of users who have none. */
  static unknown(): Password {
    return new Password(randomBytes(32).toString('hex'))
  }
}

/**
 * A password that is known by its bcrypt hash only.
 *
 * Bcrypt reads the first 72 bytes of a password and no more; whatever made the hash (`htpasswd`, the Go program) did the
 * same. A longer password is therefore verified by its first 72 bytes: refusing it would lock out the very user whose
 * hash was made of it, and 72 bytes are beyond all guessing.
 */
export class PasswordHash {
  /** Each one more doubles the time. */
  readonly cost: number
  readonly #hash: string
  readonly #verify: VerifyHash
  readonly #now: () => number
  // Applications log in for every mail. The latest password that was right is recognised by its keyed digest for a
  // while, so that not every mail costs the time of bcrypt; the digest is worth nothing outside of this process.
  #cached: Buffer | undefined
  #cachedUntil = 0

  /**
   * Throws a TypeError where `isBcryptHash` is false: no password would ever match.
   * @param now milliseconds on a clock that never goes back
   */
  constructor(hash: string, verify: VerifyHash = bcrypt, now: () => number = monotonic) {
    if (!isBcryptHash(hash)) throw new TypeError('Not a bcrypt hash')
    this.cost = Number(hash.slice(4, 6))
    this.#hash = hash
    this.#verify = verify
    this.#now = now
  }

  /**
   * Is this the password? Rejects where the hash cannot be computed.
   *
   * A wrong password takes the time of a hash of cost `slowest`, so that nobody learns from the time whose hash it was
   * held against: after cost 10, decoys of cost 10 and 11 fill up the time of cost 12, as 1 + 1 + 2 = 4.
   */
  async matches(password: string, slowest = this.cost): Promise<boolean> {
    const sealed = digest(password)
    // All in one turn: who takes several would wait several times where many wait.
    return this.#isCached(sealed) || turns.run(() => this.#compute(password, sealed, slowest))
  }

  /** A hash that no password matches and that takes as long, to be asked on behalf of users who do not exist. */
  decoy(): PasswordHash {
    return new PasswordHash(this.#unmatched(this.cost), this.#verify, this.#now)
  }

  async #compute(password: string, sealed: Buffer, slowest: number): Promise<boolean> {
    // An application that opens many connections at once logs in on all of them: the first one has proven it for all.
    if (this.#isCached(sealed)) return true
    const right = await this.#verify(password, this.#hash)
    if (right) {
      this.#cached = sealed
      this.#cachedUntil = this.#now() + cacheMs
      return true
    }
    for (let cost = this.cost; cost < slowest; cost++) await this.#verify(password, this.#unmatched(cost))
    return false
  }

  #isCached(sealed: Buffer): boolean {
    if (this.#cached === undefined) return false
    if (this.#now() >= this.#cachedUntil) this.#cached = undefined
    return this.#cached !== undefined && timingSafeEqual(sealed, this.#cached)
  }

  #unmatched(cost: number): string {
    const salt = this.#hash.slice(6, -digestLength)
    return `${this.#hash.slice(0, 4)}${String(cost).padStart(2, '0')}${salt}${'.'.repeat(digestLength)}`
  }
}

const digestLength = 31

const cacheMs = 5 * 60_000

// 16 bytes of salt and 23 of digest do not fill their last characters; where the spare bits are not zero, nothing matches.
const bcryptHash =
  /^\$2[aby]\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/

const bcrypt: VerifyHash = async (password, hash) => {
  const { verify } = await importOptional('@node-rs/bcrypt', 'A bcrypt hash', () => import('@node-rs/bcrypt'))
  return verify(password, hash)
}

const monotonic = () => performance.now()

const digestKey = randomBytes(32)

function digest(text: string): Buffer {
  return createHmac('sha256', digestKey).update(text).digest()
}

// Bcrypt shares four threads with the look-up of names and the writing of files; these must not wait behind guesses.
// Nor must a user wait for minutes behind guesses of clients that are long gone: then better later.
const turns = new ConcurrencyLimit(2, 100)
