import { type Clock, systemClock } from '../../support/clock.ts'
import { memoryLimits } from './memory-limits.ts'
import { type Member, MemoryPool } from './memory-pool.ts'

const { reservedShare, reservedMessages, minBytesPerSecond, rateWindowMs, checkMs } = memoryLimits

/** The size of a memory budget, and how long a message waits for memory. */
export interface MemoryBudgetOptions {
  /** The most bytes that all messages hold together. */
  readonly totalBytes: number
  /** The most bytes that one message holds, at most `totalBytes`. More is refused at once. */
  readonly largestBytes: number
  /** Milliseconds that one message may wait, all of its waits together. */
  readonly maxWaitMs: number
  /** The most bytes that a small message holds; `memoryLimits.smallBytes` if left out. */
  readonly smallBytes?: number
  /** Bytes that only small messages may hold; computed from `memoryLimits` if left out. */
  readonly reservedBytes?: number
  /** Returns what counts as one client, for example the network of the address; the address itself if left out. */
  readonly clientOf?: (address: string) => string
  /** The system clock if left out. */
  readonly clock?: Clock
}

/** The memory that one message holds of a budget: at first 0 bytes. */
export interface Reservation {
  /**
   * Sets the total number of bytes that the message holds. Returns true if it holds them now: always if that is fewer than
   * before, otherwise if there is room. If there is no room, returns a promise. It resolves to true when there is room. It
   * resolves to false, with the reservation unchanged, when the message has waited as long as it may, when the reservation is
   * completed, released or resized in the meantime, and at once if waiting cannot help.
   * @param receivedBytes bytes of content that have arrived since the last call
   */
  resize(bytes: number, receivedBytes?: number): true | Promise<boolean>
  /** Call it when the whole message is received. After that it does not grow. */
  complete(): void
  /** Releases all of it. Call it when the message is delivered or rejected, or its client has left. */
  release(): void
}

/** Why a reservation was evicted: the content came too slowly, or the address held more than its share. */
export type Eviction = 'slow' | 'share'

/**
 * The memory that all messages share, counted exactly, in two pools. `MemoryPool` explains why no message waits forever in
 * a pool.
 *
 * A message begins in the pool for small messages. If it needs more than a small message may hold, or if that pool is full,
 * it moves to the pool for all other messages, as the youngest there, and stays. Large messages never hold memory of the
 * first pool: as long as that pool has room, a small message does not wait, whatever large messages do. A message that waits
 * to move keeps its memory and its place in the first pool. That wait ends, because the second pool never waits for the
 * first.
 *
 * While messages wait, others are evicted, which means that their reservation is released and they are rejected:
 *
 * * messages whose content arrives more slowly than `minBytesPerSecond`, the slowest first;
 * * after a message has waited half as long as it may, messages of an address that holds more than its share of a pool, the
 *   youngest first.
 *
 * Only messages that are still being received are evicted, and only from a pool that a waiting message can use. A message
 * that waits for memory does not count as slow. While only messages of one address wait, its share does not matter.
 */
export class MemoryBudget {
  readonly #totalBytes: number
  readonly #largestBytes: number
  readonly #maxWaitMs: number
  readonly #clientOf: (address: string) => string
  readonly #clock: Clock
  readonly #small: Pool
  readonly #large: Pool
  /** Cancels the next check for messages to evict. There is one while messages wait. */
  #check: AbortController | undefined

  constructor(options: MemoryBudgetOptions) {
    const { totalBytes, maxWaitMs, clientOf = address => address, clock = systemClock } = options
    const largestBytes = Math.min(options.largestBytes, totalBytes)
    const { reservedBytes = reserveOf(totalBytes, largestBytes) } = options
    // Without limits the difference is NaN, and no reserve is needed.
    const reserveBytes = Math.min(reservedBytes, totalBytes - largestBytes) || 0
    this.#totalBytes = totalBytes
    this.#largestBytes = largestBytes
    this.#maxWaitMs = maxWaitMs
    this.#clientOf = clientOf
    this.#clock = clock
    this.#small = new MemoryPool(
      reserveBytes,
      Math.min(options.smallBytes ?? memoryLimits.smallBytes, largestBytes, reserveBytes),
    )
    this.#large = new MemoryPool(totalBytes - reserveBytes, largestBytes)
  }

  /** The most bytes that all messages may hold together. */
  get totalBytes(): number {
    return this.#totalBytes
  }

  /** The bytes that all messages hold together. */
  get usedBytes(): number {
    return this.#small.usedBytes + this.#large.usedBytes
  }

  /** The number of messages that wait for memory. */
  get waiting(): number {
    return this.#small.waiting + this.#large.waiting
  }

  /**
   * Creates the reservation of a message that begins to arrive.
   * @param address the client's IP address
   * @param onEvict called after the reservation was evicted; the message has to be rejected
   */
  open(address = '', onEvict: (reason: Eviction) => void = () => {}): Reservation {
    const message = new HeldMessage(this.#small, this.#clientOf(address), onEvict)
    message.maxWaitMs = this.#maxWaitMs
    message.slowAtMs = this.#clock.now() + rateWindowMs
    return {
      resize: (bytes, receivedBytes = 0) => {
        this.#countReceived(message, receivedBytes)
        return this.#resize(message, bytes)
      },
      complete: () => this.#complete(message),
      release: () => this.#release(message),
    }
  }

  /** Content that arrives delays the time at which the message counts as slow, but never beyond the window. */
  #countReceived(message: HeldMessage, bytes: number): void {
    const now = this.#clock.now()
    const untilMs = Math.max(now, message.slowAtMs) + (bytes * 1000) / minBytesPerSecond
    message.slowAtMs = Math.min(now + rateWindowMs, untilMs)
  }

  #resize(message: HeldMessage, bytes: number): true | Promise<boolean> {
    if (message.request !== undefined) this.#endWait(message, false)
    const granted = this.#grow(message, bytes)
    this.#grantWaiting()
    return granted
  }

  #grow(message: HeldMessage, bytes: number): true | Promise<boolean> {
    const { pool, member } = message
    if (bytes <= member.bytes) {
      pool.hold(member, bytes)
      return true
    }
    if (!message.isReceiving || bytes > this.#largestBytes) return Promise.resolve(false)
    const mayStay = bytes <= pool.largestBytes
    if (mayStay && pool.fits(member, bytes)) {
      pool.hold(member, bytes)
      return true
    }
    if (pool === this.#small && this.#large.takesNew(bytes)) {
      message.hold(this.#large, this.#large.enter(message, message.address), bytes)
      return true
    }
    return this.#wait(message, bytes, mayStay ? pool : this.#large)
  }

  #release(message: HeldMessage): void {
    this.#complete(message)
    this.#resize(message, 0)
  }

  #complete(message: HeldMessage): void {
    if (!message.isReceiving) return
    if (message.request !== undefined) this.#endWait(message, false)
    message.isReceiving = false
    message.pool.exit(message.member)
    this.#grantWaiting()
  }

  #wait(message: HeldMessage, bytes: number, pool: Pool): Promise<boolean> {
    if (message.maxWaitMs <= 0) return Promise.resolve(false)
    return new Promise(resolve => {
      const member = pool === message.pool ? message.member : pool.enter(message, message.address)
      const request: MemoryRequest = {
        pool,
        member,
        sinceMs: this.#clock.now(),
        resolve,
        ended: new AbortController(),
      }
      message.request = request
      pool.enqueue(member, bytes)
      this.#clock.sleep(message.maxWaitMs, request.ended.signal).then(() => {
        // The request may have been granted at the same moment.
        if (message.request !== request) return
        this.#endWait(message, false)
        message.maxWaitMs = 0
        this.#grantWaiting()
      })
    })
  }

  /** Grants requests until no message waits that could have the memory that it requests. */
  #grantWaiting(): void {
    do {
      for (const pool of [this.#large, this.#small])
        for (let next = pool.grantable; next !== undefined; next = pool.grantable)
          this.#grant(next.message, pool, next)
    } while (this.#moveNext())
    this.#scheduleCheck()
  }

  /** Moves the next small message that waits because its pool is full to the other pool, if that has room. */
  #moveNext(): boolean {
    const { next } = this.#small
    if (next === undefined || !this.#large.takesNew(next.requestedBytes!)) return false
    this.#grant(next.message, this.#large, this.#large.enter(next.message, next.address))
    return true
  }

  /** Grants a message the memory that it waits for, as this member of that pool. */
  #grant(message: HeldMessage, pool: Pool, member: Member<HeldMessage>): void {
    message.hold(pool, member, message.request!.member.requestedBytes!)
    this.#endWait(message, true)
  }

  #endWait(message: HeldMessage, granted: boolean): void {
    const { pool, member, sinceMs, resolve, ended } = message.request!
    const now = this.#clock.now()
    message.request = undefined
    message.maxWaitMs -= now - sinceMs
    // The window starts again, because the client could not send while the message waited.
    message.slowAtMs = now + rateWindowMs
    pool.dequeue(member)
    if (!granted && member !== message.member) pool.exit(member)
    ended.abort()
    resolve(granted)
  }

  #scheduleCheck(): void {
    if (this.waiting === 0) {
      this.#check?.abort()
      this.#check = undefined
    } else if (this.#check === undefined) {
      const check = new AbortController()
      this.#check = check
      this.#clock.sleep(checkMs, check.signal).then(() => {
        if (this.#check !== check) return
        this.#check = undefined
        this.#evictSlow()
        this.#evictOverShare()
        this.#scheduleCheck()
      })
    }
  }

  #evictSlow(): void {
    const now = this.#clock.now()
    for (const pool of [this.#large, this.#small]) {
      const slow = messagesOf(pool)
        .filter(({ request, slowAtMs }) => request === undefined && slowAtMs <= now)
        .sort((a, b) => a.slowAtMs - b.slowAtMs)
      for (const message of slow) {
        // Small messages can use both pools.
        if (pool.waiting + this.#small.waiting === 0) break
        this.#evict(message, 'slow')
      }
    }
  }

  #evictOverShare(): void {
    for (const queue of [this.#large, this.#small]) {
      const waiting = queue.next?.message
      const request = waiting?.request
      if (request === undefined || this.#clock.now() - request.sinceMs < waiting!.maxWaitMs / 2) continue
      for (const pool of new Set([this.#large, queue])) {
        const others = messagesOf(pool)
          .filter(({ address }) => address !== waiting!.address && pool.isOverShare(address))
          .sort((a, b) => b.member.priority - a.member.priority)
        for (const message of others) {
          if (waiting!.request !== request || !pool.isOverShare(message.address)) break
          this.#evict(message, 'share')
        }
      }
    }
  }

  #evict(message: HeldMessage, reason: Eviction): void {
    this.#release(message)
    message.onEvict(reason)
  }
}

/** Returns the messages that hold memory of a pool and are still being received. */
function messagesOf(pool: Pool): HeldMessage[] {
  return Array.from(pool.members, ({ message }) => message).filter(message => message.pool === pool)
}

/** Returns the bytes of a budget that only small messages may hold. */
function reserveOf(totalBytes: number, largestBytes: number): number {
  const share = Math.floor(Math.min(totalBytes, Number.MAX_SAFE_INTEGER) * reservedShare)
  return Math.max(share, reservedMessages * Math.min(memoryLimits.smallBytes, largestBytes))
}

/** Returns the smallest budget, in bytes, that has room for its whole reserve and one message of the largest size. */
export function minBudgetBytes(largestBytes: number): number {
  const reserved = reservedMessages * Math.min(memoryLimits.smallBytes, largestBytes)
  return Math.max(largestBytes + reserved, Math.ceil(largestBytes / (1 - reservedShare)))
}

/** There is no memory for a message, or the message needs more than the whole budget. */
export class NoMemory extends Error {
  /** The error table finds it by this name. */
  override readonly name = 'NoMemory'

  constructor(text = 'the memory for messages is in use') {
    super(text)
  }
}

/** A message held memory that others waited for, and its content arrived too slowly. */
export class TooSlow extends Error {
  /** The error table finds it by this name. */
  override readonly name = 'TooSlow'

  constructor() {
    super(
      `content arrived at less than ${minBytesPerSecond} bytes per second while other messages waited for memory`,
    )
  }
}

/** What the budget stores about a message. */
class HeldMessage {
  readonly address: string
  readonly onEvict: (reason: Eviction) => void
  /** The pool in which it is counted. */
  pool: Pool
  member: Member<HeldMessage>
  /** The message is still being received. */
  isReceiving = true
  /** Milliseconds that the message may still wait. */
  maxWaitMs = 0
  /** When the message counts as slow if no content arrives before, on the clock. */
  slowAtMs = 0
  /** The memory that the message waits for, if it waits. */
  request: MemoryRequest | undefined

  constructor(pool: Pool, address: string, onEvict: (reason: Eviction) => void) {
    this.address = address
    this.onEvict = onEvict
    this.pool = pool
    this.member = pool.enter(this, address)
  }

  /** Makes the message this member of that pool, with this number of bytes there, and none in the pool that it leaves. */
  hold(pool: Pool, member: Member<HeldMessage>, bytes: number): void {
    if (member !== this.member) {
      this.pool.hold(this.member, 0)
      this.pool.exit(this.member)
    }
    pool.hold(member, bytes)
    this.pool = pool
    this.member = member
  }
}

type Pool = MemoryPool<HeldMessage>

/** A wait for memory. */
interface MemoryRequest {
  readonly pool: Pool
  /** The member that waits. It is not the message's own member while the message waits to move to the other pool. */
  readonly member: Member<HeldMessage>
  readonly sinceMs: number
  readonly resolve: (granted: boolean) => void
  readonly ended: AbortController
}
