import { memoryLimits } from './memory-limits.ts'
import { PriorityQueue } from './priority-queue.ts'

/** A message in a pool, from when it enters until it is complete or leaves. Only the pool changes what is here. */
export interface Member<T> {
  readonly message: T
  /** The client's address, or the network that counts as one address. */
  readonly address: string
  /** Of two members, the one that entered first has less. */
  readonly priority: number
  bytes: number
  /** What it waits for, if it waits. */
  requestedBytes: number | undefined
}

/**
 * Memory that messages share, counted exactly.
 *
 * The members are the messages that are still received. The oldest member may take all that is free. Every other
 * member leaves free what the oldest one may still want, up to the largest size. Members that wait are served in the
 * order in which they entered, and no member takes memory ahead of an older one that waits, or else large requests
 * would wait as long as there are small ones. An address that holds more than its share comes after all others that
 * wait.
 *
 * So no member waits for ever. *Free* is what no message holds, *complete* what messages hold that are received and
 * now delivered, *wanted* the difference between the largest size and what the oldest member holds. Always
 * free + complete >= wanted: what the oldest member takes lessens free and wanted alike; what other members take leaves
 * enough free; when the oldest member completes or leaves, its bytes join one side, and the sum is then at least the
 * largest size, which is all that the next oldest member can want. Nothing but the want of free memory holds the oldest
 * member back, not the members that wait and not the share of its address. Hence it waits only for deliveries, and these
 * end; when it is done, the next one is the oldest.
 */
export class MemoryPool<T> {
  /** Bytes that all messages together hold at most. */
  readonly capacityBytes: number
  /** Bytes that one message holds at most. */
  readonly largestBytes: number
  #usedBytes = 0
  #waiting = 0
  #entered = 0
  readonly #members = new PriorityQueue<Member<T>>()
  readonly #accounts = new Map<string, Account<T>>()
  /** The accounts with members that wait. */
  readonly #queue = new PriorityQueue<Account<T>>()

  /** @param largestBytes at most the capacity */
  constructor(capacityBytes: number, largestBytes: number) {
    this.capacityBytes = capacityBytes
    this.largestBytes = largestBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Members that wait. */
  get waiting(): number {
    return this.#waiting
  }

  /** In no particular order. */
  get members(): Iterable<Member<T>> {
    return this.#members
  }

  /** Of the members that wait, the one whose turn it is. */
  get next(): Member<T> | undefined {
    const { first, second } = this.#queue
    // Two addresses cannot both hold more than half.
    const account = first?.isOver(this.capacityBytes) ? (second ?? first) : first
    return account?.queue.first
  }

  /** A member that waits and may hold now what it requests. */
  get servable(): Member<T> | undefined {
    for (const member of [this.#members.first, this.next])
      if (member?.requestedBytes !== undefined && this.fits(member, member.requestedBytes)) return member
    return undefined
  }

  /** A message that holds nothing here becomes the youngest member. */
  enter(message: T, address: string): Member<T> {
    const priority = this.#entered++
    const member: Member<T> = { message, address, priority, bytes: 0, requestedBytes: undefined }
    this.#members.push(member)
    return member
  }

  /** The message is no longer a member; what it holds stays counted until `hold` lowers it. */
  exit(member: Member<T>): void {
    this.#members.remove(member)
  }

  /** True if the member may hold this number of bytes now. */
  fits(member: Member<T>, bytes: number): boolean {
    const isOldest = member === this.#members.first
    if (!isOldest && !this.#isTurnOf(member)) return false
    const reservedBytes = isOldest ? 0 : this.#wantedBytes
    return this.#usedBytes - member.bytes + bytes + reservedBytes <= this.capacityBytes
  }

  /** True if a message that enters now may hold this number of bytes at once. */
  takesNew(bytes: number): boolean {
    return this.#waiting === 0 && this.#usedBytes + bytes + this.#wantedBytes <= this.capacityBytes
  }

  /** Sets the number of bytes that are counted for a message; it is a member, or was one. */
  hold(member: Member<T>, bytes: number): void {
    const account = this.#account(member.address)
    this.#usedBytes += bytes - member.bytes
    account.bytes += bytes - member.bytes
    member.bytes = bytes
    this.#forget(account)
  }

  /** The member begins to wait until it may hold this number of bytes in all. */
  enqueue(member: Member<T>, bytes: number): void {
    this.#waiting++
    member.requestedBytes = bytes
    this.#requeue(this.#account(member.address), queue => queue.push(member))
  }

  /** The member waits no longer. */
  dequeue(member: Member<T>): void {
    this.#waiting--
    member.requestedBytes = undefined
    const account = this.#account(member.address)
    this.#requeue(account, queue => queue.remove(member))
    this.#forget(account)
  }

  /** The address holds more than its share. */
  isOverShare(address: string): boolean {
    return this.#accounts.get(address)?.isOver(this.capacityBytes) === true
  }

  #isTurnOf(member: Member<T>): boolean {
    const { next } = this
    if (next === undefined || next === member) return true
    const nextIsOver = this.isOverShare(next.address)
    if (nextIsOver !== this.isOverShare(member.address)) return nextIsOver
    return member.priority < next.priority
  }

  /** What the oldest member may still want. */
  get #wantedBytes(): number {
    const { first } = this.#members
    return first === undefined ? 0 : this.largestBytes - first.bytes
  }

  #account(address: string): Account<T> {
    let account = this.#accounts.get(address)
    if (account === undefined) {
      account = new Account(address)
      this.#accounts.set(address, account)
    }
    return account
  }

  #forget({ address, bytes, queue }: Account<T>): void {
    if (bytes === 0 && queue.length === 0) this.#accounts.delete(address)
  }

  /** Changes which members of an account wait. That may change the account's place among those that wait. */
  #requeue(account: Account<T>, change: (queue: PriorityQueue<Member<T>>) => void): void {
    if (account.queue.length > 0) this.#queue.remove(account)
    change(account.queue)
    if (account.queue.length > 0) this.#queue.push(account)
  }
}

/** What one address holds of a pool, and its members that wait. */
class Account<T> {
  readonly address: string
  bytes = 0
  readonly queue = new PriorityQueue<Member<T>>()

  constructor(address: string) {
    this.address = address
  }

  /** The priority of its first member that waits; there has to be one. */
  get priority(): number {
    return this.queue.first!.priority
  }

  isOver(capacityBytes: number): boolean {
    return this.bytes > capacityBytes * memoryLimits.addressShare
  }
}
