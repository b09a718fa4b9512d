import { type Clock, systemClock } from '../../support/clock.ts'
import { memoryLimits } from './memory-limits.ts'
import { type Member, MemoryPool } from './memory-pool.ts'

const { reservedShare, reservedMessages, leastRate, rateWindowMs, checkMs } = memoryLimits

/** How much there is to share, and how long a message waits for it. */
export interface MemoryBudgetOptions {
  /** Bytes that all messages together hold at most. */
  readonly totalBytes: number
  /** Bytes that one message holds at most, or all bytes if that is less. More is refused at once. */
  readonly largestBytes: number
  /** Milliseconds that one message may wait, all its waits together. */
  readonly maxWaitMs: number
  /** Bytes that small messages hold at most; `memoryLimits.smallBytes` if left out. */
  readonly smallBytes?: number
  /** Bytes that only small messages may hold; what `memoryLimits` says if left out. */
  readonly reservedBytes?: number
  /** What counts as one client, for example the network of an address; each address if left out. */
  readonly clientOf?: (address: string) => string
  /** The system's if left out. */
  readonly clock?: Clock
}

/** What one message holds of a budget; at first nothing. */
export interface Reservation {
  /**
   * Sets the number of bytes that the message holds in all. Returns true if it holds them now: always if that is fewer
   * than before, else if there is room. Otherwise returns a promise of true once there is room, or of false with the share
   * unchanged: when the message has waited as long as it may, when the share is completed, released or resized meanwhile,
   * and at once if waiting cannot help.
   * @param receivedBytes content that has come since the last call
   */
  resize(bytes: number, receivedBytes?: number): true | Promise<boolean>
  /** The message is received: it will not grow any more. */
  complete(): void
  /** Gives everything back. To be called when the message is delivered or refused, or its client is gone. */
  release(): void
}

/** Why a share was taken back. */
export type Eviction = 'slow' | 'share'

/**
 * The memory that all messages share, counted exactly, in two pools. `MemoryPool` says why no message waits for ever in
 * one of them.
 *
 * A message begins in the pool for small ones. When it wants more than a small one may hold, or that pool is full, it
 * moves to the pool for all others, as the youngest there, and stays. Large messages never hold anything of the first
 * pool: as long as that has room, a small message does not wait, whatever large ones do. A message that waits to move
 * keeps what it holds, and its place, in the first pool; that wait ends, because the second pool never waits for the
 * first one.
 *
 * While messages wait, others are evicted, which means that their share is taken back:
 *
 * * messages whose content comes more slowly than `leastRate`, the slowest first;
 * * when a message has waited half as long as it may, messages of an address that holds more than its share of a pool,
 *   the youngest first.
 *
 * Only messages that are still received are evicted, and only from a pool that a waiting message can use. A message
 * that waits for memory is not slow. The share of an address means nothing while only messages of that address wait.
 */
export class MemoryBudget {
  readonly #totalBytes: number
  readonly #largestBytes: number
  readonly #maxWaitMs: number
  readonly #clientOf: (address: string) => string
  readonly #clock: Clock
  readonly #small: Pool
  readonly #large: Pool
  /** Ends the wait for the next check; there is one while messages wait. */
  #check: AbortController | undefined

  constructor(allowance: MemoryBudgetOptions) {
    const { totalBytes, maxWaitMs, clientOf = address => address, clock = systemClock } = allowance
    const largestBytes = Math.min(allowance.largestBytes, totalBytes)
    const { reservedBytes = reserveOf(totalBytes, largestBytes) } = allowance
    // Where nothing has a limit the difference is no number, and no reserve is needed.
    const reserve = Math.min(reservedBytes, totalBytes - largestBytes) || 0
    this.#totalBytes = totalBytes
    this.#largestBytes = largestBytes
    this.#maxWaitMs = maxWaitMs
    this.#clientOf = clientOf
    this.#clock = clock
    this.#small = new MemoryPool(
      reserve,
      Math.min(allowance.smallBytes ?? memoryLimits.smallBytes, largestBytes, reserve),
    )
    this.#large = new MemoryPool(totalBytes - reserve, largestBytes)
  }

  /** What all shares may hold together. */
  get totalBytes(): number {
    return this.#totalBytes
  }

  /** What all shares hold together. */
  get usedBytes(): number {
    return this.#small.usedBytes + this.#large.usedBytes
  }

  /** Messages that wait for room. */
  get waiting(): number {
    return this.#small.waiting + this.#large.waiting
  }

  /**
   * A share for a message that begins.
   * @param address the client's
   * @param onEvict called when the share was taken back: it is released already, and the message has to be refused
   */
  open(address = '', onEvict: (why: Eviction) => void = () => {}): Reservation {
    const message = new HeldMessage(this.#small, this.#clientOf(address), onEvict)
    message.maxWaitMs = this.#maxWaitMs
    message.slowAtMs = this.#clock.now() + rateWindowMs
    return {
      resize: (bytes, receivedBytes = 0) => {
        this.#receive(message, receivedBytes)
        return this.#resize(message, bytes)
      },
      complete: () => this.#complete(message),
      release: () => this.#release(message),
    }
  }

  /** Content that comes moves the time at which the message counts as slow, but never beyond the window. */
  #receive(message: HeldMessage, bytes: number): void {
    const now = this.#clock.now()
    const untilMs = Math.max(now, message.slowAtMs) + (bytes * 1000) / leastRate
    message.slowAtMs = Math.min(now + rateWindowMs, untilMs)
  }

  #resize(message: HeldMessage, bytes: number): true | Promise<boolean> {
    if (message.request !== undefined) this.#answer(message, false)
    const answer = this.#grow(message, bytes)
    this.#serve()
    return answer
  }

  #grow(message: HeldMessage, bytes: number): true | Promise<boolean> {
    const { pool, member } = message
    if (bytes <= member.bytes) {
      pool.hold(member, bytes)
      return true
    }
    if (!message.grows || bytes > this.#largestBytes) return Promise.resolve(false)
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
    if (!message.grows) return
    if (message.request !== undefined) this.#answer(message, false)
    message.grows = false
    message.pool.exit(message.member)
    this.#serve()
  }

  #wait(message: HeldMessage, bytes: number, pool: Pool): Promise<boolean> {
    if (message.maxWaitMs <= 0) return Promise.resolve(false)
    return new Promise(answer => {
      const member = pool === message.pool ? message.member : pool.enter(message, message.address)
      const request: Request = {
        pool,
        member,
        sinceMs: this.#clock.now(),
        answer,
        ended: new AbortController(),
      }
      message.request = request
      pool.enqueue(member, bytes)
      this.#clock.sleep(message.maxWaitMs, request.ended.signal).then(() => {
        // Room may have come at the same moment.
        if (message.request !== request) return
        this.#answer(message, false)
        message.maxWaitMs = 0
        this.#serve()
      })
    })
  }

  /** Grants requests while there is room: no message is left waiting that can have what it requests. */
  #serve(): void {
    do {
      for (const pool of [this.#large, this.#small])
        for (let next = pool.servable; next !== undefined; next = pool.servable)
          this.#grant(next.message, pool, next)
    } while (this.#moveNext())
    this.#scheduleCheck()
  }

  /** The next small message that waits because its pool is full moves to the other one, if that has room. */
  #moveNext(): boolean {
    const { next } = this.#small
    if (next === undefined || !this.#large.takesNew(next.requestedBytes!)) return false
    this.#grant(next.message, this.#large, this.#large.enter(next.message, next.address))
    return true
  }

  /** Gives the message what it waits for, as this member of that pool. */
  #grant(message: HeldMessage, pool: Pool, member: Member<HeldMessage>): void {
    message.hold(pool, member, message.request!.member.requestedBytes!)
    this.#answer(message, true)
  }

  #answer(message: HeldMessage, granted: boolean): void {
    const { pool, member, sinceMs, answer, ended } = message.request!
    const now = this.#clock.now()
    message.request = undefined
    message.maxWaitMs -= now - sinceMs
    // The window starts again, because the client could not send meanwhile.
    message.slowAtMs = now + rateWindowMs
    pool.dequeue(member)
    if (!granted && member !== message.member) pool.exit(member)
    ended.abort()
    answer(granted)
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

  #evict(message: HeldMessage, why: Eviction): void {
    this.#release(message)
    message.onEvict(why)
  }
}

/** The messages that hold memory of a pool and are still received. */
function messagesOf(pool: Pool): HeldMessage[] {
  return Array.from(pool.members, ({ message }) => message).filter(message => message.pool === pool)
}

/** The part of a budget that only small messages may hold. */
function reserveOf(totalBytes: number, largestBytes: number): number {
  const share = Math.floor(Math.min(totalBytes, Number.MAX_SAFE_INTEGER) * reservedShare)
  return Math.max(share, reservedMessages * Math.min(memoryLimits.smallBytes, largestBytes))
}

/** The least budget that has its whole reserve beside one message of the largest size. */
export function minBudgetBytes(largestBytes: number): number {
  const reserved = reservedMessages * Math.min(memoryLimits.smallBytes, largestBytes)
  return Math.max(largestBytes + reserved, Math.ceil(largestBytes / (1 - reservedShare)))
}

/** There is no memory for a message, or it wants more than there is in all. */
export class NoMemory extends Error {
  /** By this the failure table knows it. */
  override readonly name = 'NoMemory'

  constructor(text = 'the memory for messages is in use') {
    super(text)
  }
}

/** A message held memory that others waited for, and its content came too slowly. */
export class TooSlow extends Error {
  /** By this the failure table knows it. */
  override readonly name = 'TooSlow'

  constructor() {
    super(`content came at less than ${leastRate} bytes per second while other messages waited for memory`)
  }
}

/** What the budget knows of a message. */
class HeldMessage {
  readonly address: string
  readonly onEvict: (why: Eviction) => void
  /** The pool in which it is counted. */
  pool: Pool
  member: Member<HeldMessage>
  /** It is still received. */
  grows = true
  /** Milliseconds that it may still wait. */
  maxWaitMs = 0
  /** When it will count as slow if no content comes until then. */
  slowAtMs = 0
  /** What it waits for. */
  request: Request | undefined

  constructor(pool: Pool, address: string, onEvict: (why: Eviction) => void) {
    this.address = address
    this.onEvict = onEvict
    this.pool = pool
    this.member = pool.enter(this, address)
  }

  /** Makes it this member of that pool, with this number of bytes there, and none in the pool that it leaves. */
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

interface Request {
  readonly pool: Pool
  /** The member that waits; not the message's own one while it waits to move to the other pool. */
  readonly member: Member<HeldMessage>
  readonly sinceMs: number
  readonly answer: (granted: boolean) => void
  readonly ended: AbortController
}
