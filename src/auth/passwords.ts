import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { importOptional } from '../support/optional-package.ts'
import { Semaphore } from '../support/semaphore.ts'

/** Returns true if the password matches the bcrypt hash. Rejects if the hash cannot be computed. */
export type VerifyHash = (password: string, hash: string) => Promise<boolean>

/** Returns true for a bcrypt hash that a password can match: `$2a$`, `$2b$` or `$2y$`, a cost of 04 to 31, salt, digest. */
export function isBcryptHash(text: string): boolean {
  return bcryptHash.test(text)
}

/** A password whose text is known. */
export class Password {
  readonly #text: string
  readonly #digest: Buffer

  constructor(text: string) {
    this.#text = text
    this.#digest = digest(text)
  }

  /** Returns true if this is the password, in a time that does not depend on the password. */
  matches(password: string): boolean {
    return timingSafeEqual(digest(password), this.#digest)
  }

  /** Returns true if `digest` is the HMAC-MD5 of the challenge, keyed with the password (RFC 2195). */
  verifyHmac(challenge: string, digest: Buffer): boolean {
    const expected = createHmac('md5', this.#text).update(challenge).digest()
    return digest.length === expected.length && timingSafeEqual(digest, expected)
  }

  /** Creates a random password. It stands in for the password of users that have none. */
  static random(): Password {
    return new Password(randomBytes(32).toString('hex'))
  }
}

/**
 * A password of which only the bcrypt hash is known.
 *
 * Bcrypt uses the first 72 bytes of a password and ignores the rest, as did the program that made the hash (`htpasswd`, the
 * Go program). A longer password is therefore verified by its first 72 bytes. To reject it would lock out the user whose
 * password it is, and 72 bytes cannot be guessed.
 */
export class PasswordHash {
  /** The bcrypt cost: one more doubles the time. */
  readonly cost: number
  readonly #hash: string
  readonly #verify: VerifyHash
  readonly #now: () => number
  // Applications log in for every message. The latest password that was right is recognized by its keyed digest for some
  // minutes, so that not every message takes the time of bcrypt. The digest is useless outside of this process.
  #cached: Buffer | undefined
  #cachedUntil = 0

  /**
   * @param now milliseconds on a clock that never goes back
   * @throws TypeError if `isBcryptHash` is false: no password would match
   */
  constructor(hash: string, verify: VerifyHash = bcrypt, now: () => number = monotonic) {
    if (!isBcryptHash(hash)) throw new TypeError('Not a bcrypt hash')
    this.cost = Number(hash.slice(4, 6))
    this.#hash = hash
    this.#verify = verify
    this.#now = now
  }

  /**
   * Returns true if this is the password.
   *
   * A wrong password takes the time of a hash of cost `slowest`, so that the time does not show which user's hash was
   * checked: after cost 10, decoys of cost 10 and 11 fill up the time of cost 12, as 1 + 1 + 2 = 4.
   * @throws Error if the hash cannot be computed, or too many logins wait already
   */
  async matches(password: string, slowest = this.cost): Promise<boolean> {
    const keyed = digest(password)
    return this.#isCached(keyed) || this.#computeInTurn(password, keyed, slowest)
  }

  /** Creates a hash that no password matches and that takes as long. It stands in for users that do not exist. */
  decoy(): PasswordHash {
    return new PasswordHash(this.#unmatched(this.cost), this.#verify, this.#now)
  }

  /** One permit covers all hashes of a login. With one permit for each hash, a login would wait several times. */
  async #computeInTurn(password: string, keyed: Buffer, slowest: number): Promise<boolean> {
    if (!(await hashing.acquire())) throw new Error(`${maxWaitingLogins} logins are waiting already`)
    try {
      return await this.#compute(password, keyed, slowest)
    } finally {
      hashing.release()
    }
  }

  async #compute(password: string, keyed: Buffer, slowest: number): Promise<boolean> {
    // An application that opens many connections at once logs in on all of them. The first login verifies for all.
    if (this.#isCached(keyed)) return true
    const matches = await this.#verify(password, this.#hash)
    if (matches) {
      this.#cached = keyed
      this.#cachedUntil = this.#now() + cacheMs
      return true
    }
    for (let cost = this.cost; cost < slowest; cost++) await this.#verify(password, this.#unmatched(cost))
    return false
  }

  #isCached(keyed: Buffer): boolean {
    if (this.#cached === undefined) return false
    if (this.#now() >= this.#cachedUntil) this.#cached = undefined
    return this.#cached !== undefined && timingSafeEqual(keyed, this.#cached)
  }

  #unmatched(cost: number): string {
    const salt = this.#hash.slice(6, -digestLength)
    return `${this.#hash.slice(0, 4)}${String(cost).padStart(2, '0')}${salt}${'.'.repeat(digestLength)}`
  }
}

const digestLength = 31

const cacheMs = 5 * 60_000

// 16 bytes of salt and 23 of digest do not fill their last characters. If the unused bits are not zero, nothing matches.
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

/** More logins than this are refused at once: better than minutes of waiting for guesses of clients that have left. */
const maxWaitingLogins = 100

/** Bcrypt shares the four threads of Node.js with DNS and file access, which must not wait for password guesses. */
const hashing = new Semaphore(2, { maxWaiting: maxWaitingLogins })
