/**
 * A priority queue (binary heap). The member with the lowest number comes first. `first` takes constant time; `push`, and
 * `remove` from any position, take time logarithmic in the length.
 */
export class PriorityQueue<T extends Prioritized> {
  readonly #members: T[] = []
  readonly #positions = new Map<T, number>()

  get length(): number {
    return this.#members.length
  }

  get first(): T | undefined {
    return this.#members[0]
  }

  /** The member that becomes the first one when the first one leaves. */
  get second(): T | undefined {
    const [, left, right] = this.#members
    return left === undefined || right === undefined || left.priority < right.priority ? left : right
  }

  /** All members, in no particular order. */
  [Symbol.iterator](): Iterator<T> {
    return this.#members.values()
  }

  /** Adds a member, which must not be in a queue yet. */
  push(member: T): void {
    this.#rise(member, this.#members.length)
  }

  /** Removes a member, which must be in this queue. */
  remove(member: T): void {
    const gap = this.#positions.get(member)!
    const last = this.#members.pop()!
    this.#positions.delete(member)
    if (last === member) return
    // The last member fills the gap, and moves up or down from there.
    this.#rise(last, gap)
    this.#sink(last, this.#positions.get(last)!)
  }

  #rise(member: T, from: number): void {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      const other = this.#members[parent]!
      if (other.priority < member.priority) break
      this.#put(other, index)
      index = parent
    }
    this.#put(member, index)
  }

  #sink(member: T, from: number): void {
    const members = this.#members
    let index = from
    for (;;) {
      let child = 2 * index + 1
      if (child + 1 < members.length && members[child + 1]!.priority < members[child]!.priority) child++
      if (child >= members.length || member.priority < members[child]!.priority) break
      this.#put(members[child]!, index)
      index = child
    }
    this.#put(member, index)
  }

  #put(member: T, index: number): void {
    this.#members[index] = member
    this.#positions.set(member, index)
  }
}

/** Members must have different numbers. */
interface Prioritized {
  readonly priority: number
}
