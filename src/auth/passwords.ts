import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Holds a password against a bcrypt hash; rejects where it cannot. */
export type VerifyHash = (password: string, hash: string) => Promise<boolean>

/** True of a bcrypt hash that a password can match: `$2a$`, `$2b$` or `$2y$`, a cost of 04 to 31, salt and digest. */
export function isBcryptHash(text: string): boolean {
  return bcryptHash.test(text)
}

/** True when the texts are the same. How long it takes tells neither where they differ nor how long the secret one is. */
export function sameText(given: string, secret: string): boolean {
  return timingSafeEqual(seal(given), seal(secret))
}

/** A password that is known in clear. */
export class Password {
  readonly #text: string
  readonly #sealed: Buffer

  constructor(text: string) {
    this.#text = text
    this.#sealed = seal(text)
  }

  /** Is this the password? */
  matches(password: string): boolean {
    return timingSafeEqual(seal(password), this.#sealed)
  }

  /** Is this the HMAC-MD5 of the challenge, keyed with the password (RFC 2195)? */
  signed(challenge: string, digest: Buffer): boolean {
    const expected = createHmac('md5', this.#text).update(challenge).digest()
    return digest.length === expected.length && timingSafeEqual(digest, expected)
  }

  /** A password that nobody knows, to be asked on behalf of users who do not exist. */
  decoy(): Password {
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
  readonly #hash: string
  readonly #verify: VerifyHash
  // Applications log in for every mail. The latest password that was right is recognised by its keyed digest, so that
  // not every mail costs the time of bcrypt; the digest is worth nothing outside of this process.
  #proven: Buffer | undefined

  /** Throws a TypeError where `isBcryptHash` is false: no password would ever match. */
  constructor(hash: string, verify: VerifyHash = bcrypt) {
    if (!isBcryptHash(hash)) throw new TypeError('Not a bcrypt hash')
    this.#hash = hash
    this.#verify = verify
  }

  /** Is this the password? Rejects where the hash cannot be computed. */
  async matches(password: string): Promise<boolean> {
    const sealed = seal(password)
    if (this.#proven !== undefined && timingSafeEqual(sealed, this.#proven)) return true
    const right = await turns.take(() => this.#verify(password, this.#hash))
    if (right) this.#proven = sealed
    return right
  }

  /** A hash that no password matches and that takes as long, to be asked on behalf of users who do not exist. */
  decoy(): PasswordHash {
    return new PasswordHash(this.#hash.slice(0, -digestLength) + '.'.repeat(digestLength), this.#verify)
  }
}

const digestLength = 31

// 16 bytes of salt and 23 of digest do not fill their last characters; where the spare bits are not zero, nothing matches.
const bcryptHash =
  /^\$2[aby]\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/

const bcrypt: VerifyHash = async (password, hash) => (await import('@node-rs/bcrypt')).verify(password, hash)

const sealKey = randomBytes(32)

function seal(text: string): Buffer {
  return createHmac('sha256', sealKey).update(text).digest()
}

/** Lets a number of pieces of work run at once; the others wait, first come, first served. */
class Turns {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(places: number) {
    this.#free = places
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}

// Bcrypt shares four threads with the look-up of names and the writing of files; these must not wait behind guesses.
const turns = new Turns(2)
