import { memoryLimits } from './memory-limits.ts'
import { PriorityQueue } from './priority-queue.ts'

/** A message in a pool, from when it enters until it is complete or leaves. Only the pool changes these values. */
export interface Member<T> {
  readonly message: T
  /** The client's address, or its network if a network counts as one address. */
  readonly address: string
  /** Lower than that of each member that entered later. */
  readonly priority: number
  bytes: number
  /** The bytes that it waits for, if it waits. */
  requestedBytes: number | undefined
}

/**
 * Memory that messages share, counted exactly.
 *
 * The members are the messages that are still being received. The oldest member may use all free memory. Every other member
 * must leave free what the oldest may still need to reach the largest size. Waiting members get memory in the order in which
 * they entered, and no member takes memory ahead of an older one that waits; otherwise large requests would wait as long as
 * there are small ones. An address that holds more than its share comes after all others that wait.
 *
 * So no member waits forever. *Free* are the bytes that no message holds, *complete* the bytes of messages that are received
 * and being delivered, *wanted* the difference between the largest size and what the oldest member holds. At any time
 * free + complete >= wanted: what the oldest member takes reduces free and wanted alike; what other members take leaves
 * enough free; when the oldest member completes or leaves, its bytes become complete or free, and the sum is then at least
 * the largest size, which is the most that the next oldest member can need. Only a lack of free memory stops the oldest
 * member, not the members that wait and not the share of its address. So it waits only for deliveries, which end. When it is
 * done, the next member is the oldest.
 */
export class MemoryPool<T> {
  /** The most bytes that all messages hold together. */
  readonly capacityBytes: number
  /** The most bytes that one message holds. */
  readonly largestBytes: number
  #usedBytes = 0
  #waiting = 0
  #entered = 0
  readonly #members = new PriorityQueue<Member<T>>()
  readonly #usages = new Map<string, AddressUsage<T>>()
  /** The usages of addresses with members that wait. */
  readonly #queue = new PriorityQueue<AddressUsage<T>>()

  /** @param largestBytes at most the capacity */
  constructor(capacityBytes: number, largestBytes: number) {
    this.capacityBytes = capacityBytes
    this.largestBytes = largestBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** The number of members that wait. */
  get waiting(): number {
    return this.#waiting
  }

  /** All members, in no particular order. */
  get members(): Iterable<Member<T>> {
    return this.#members
  }

  /** The waiting member that gets memory next. */
  get next(): Member<T> | undefined {
    const { first, second } = this.#queue
    // Two addresses cannot both hold more than half.
    const usage = first?.isOverShare(this.capacityBytes) ? (second ?? first) : first
    return usage?.queue.first
  }

  /** A waiting member that may hold now what it requests. */
  get grantable(): Member<T> | undefined {
    for (const member of [this.#members.first, this.next])
      if (member?.requestedBytes !== undefined && this.fits(member, member.requestedBytes)) return member
    return undefined
  }

  /** Adds a message, which holds nothing here, as the youngest member. */
  enter(message: T, address: string): Member<T> {
    const priority = this.#entered++
    const member: Member<T> = { message, address, priority, bytes: 0, requestedBytes: undefined }
    this.#members.push(member)
    return member
  }

  /** Removes a member. What it holds stays counted until `hold` lowers it. */
  exit(member: Member<T>): void {
    this.#members.remove(member)
  }

  /** Returns true if the member may hold this number of bytes now. */
  fits(member: Member<T>, bytes: number): boolean {
    const isOldest = member === this.#members.first
    if (!isOldest && !this.#isTurnOf(member)) return false
    const reservedBytes = isOldest ? 0 : this.#wantedBytes
    return this.#usedBytes - member.bytes + bytes + reservedBytes <= this.capacityBytes
  }

  /** Returns true if a message that enters now may hold this number of bytes at once. */
  takesNew(bytes: number): boolean {
    return this.#waiting === 0 && this.#usedBytes + bytes + this.#wantedBytes <= this.capacityBytes
  }

  /** Sets the number of bytes that a message holds. The message is a member, or was one. */
  hold(member: Member<T>, bytes: number): void {
    const usage = this.#usageOf(member.address)
    this.#usedBytes += bytes - member.bytes
    usage.bytes += bytes - member.bytes
    member.bytes = bytes
    this.#forgetUnused(usage)
  }

  /** Makes the member wait until it may hold this number of bytes in total. */
  enqueue(member: Member<T>, bytes: number): void {
    this.#waiting++
    member.requestedBytes = bytes
    this.#requeue(this.#usageOf(member.address), queue => queue.push(member))
  }

  /** Ends the wait of the member. */
  dequeue(member: Member<T>): void {
    this.#waiting--
    member.requestedBytes = undefined
    const usage = this.#usageOf(member.address)
    this.#requeue(usage, queue => queue.remove(member))
    this.#forgetUnused(usage)
  }

  /** Returns true if the address holds more than its share. */
  isOverShare(address: string): boolean {
    return this.#usages.get(address)?.isOverShare(this.capacityBytes) === true
  }

  #isTurnOf(member: Member<T>): boolean {
    const { next } = this
    if (next === undefined || next === member) return true
    const nextIsOver = this.isOverShare(next.address)
    if (nextIsOver !== this.isOverShare(member.address)) return nextIsOver
    return member.priority < next.priority
  }

  /** The bytes that the oldest member may still need. */
  get #wantedBytes(): number {
    const { first } = this.#members
    return first === undefined ? 0 : this.largestBytes - first.bytes
  }

  #usageOf(address: string): AddressUsage<T> {
    let usage = this.#usages.get(address)
    if (usage === undefined) {
      usage = new AddressUsage(address)
      this.#usages.set(address, usage)
    }
    return usage
  }

  #forgetUnused({ address, bytes, queue }: AddressUsage<T>): void {
    if (bytes === 0 && queue.length === 0) this.#usages.delete(address)
  }

  /** Changes which members of an address wait, and then the position of the address in the queue. */
  #requeue(usage: AddressUsage<T>, change: (queue: PriorityQueue<Member<T>>) => void): void {
    if (usage.queue.length > 0) this.#queue.remove(usage)
    change(usage.queue)
    if (usage.queue.length > 0) this.#queue.push(usage)
  }
}

/** The bytes that one address holds of a pool, and its members that wait. */
class AddressUsage<T> {
  readonly address: string
  bytes = 0
  readonly queue = new PriorityQueue<Member<T>>()

  constructor(address: string) {
    this.address = address
  }

  /** The priority of its first waiting member. There must be one. */
  get priority(): number {
    return this.queue.first!.priority
  }

  isOverShare(capacityBytes: number): boolean {
    return this.bytes > capacityBytes * memoryLimits.addressShare
  }
}
