/**
 * A line in order of priority, whatever the order in which its members join. Who is first is known at once; joining
 * and leaving, from anywhere in the line, takes a time that grows with the logarithm of its length (a binary heap).
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

  /** Must not stand in a line already. */
  push(member: T): void {
    this.#rise(member, this.#members.length)
  }

  /** Must stand in this line. */
  remove(member: T): void {
    const gap = this.#positions.get(member)!
    const last = this.#members.pop()!
    this.#positions.delete(member)
    if (last === member) return
    // The gap is the last one's to fill, from where it goes up or down.
    this.#rise(last, gap)
    this.#sink(last, this.#positions.get(last)!)
  }

  #rise(member: T, from: number): void {
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const senior = this.#members[above]!
      if (senior.priority < member.priority) break
      this.#put(senior, place)
      place = above
    }
    this.#put(member, place)
  }

  #sink(member: T, from: number): void {
    const members = this.#members
    let place = from
    for (;;) {
      let below = 2 * place + 1
      if (below + 1 < members.length && members[below + 1]!.priority < members[below]!.priority) below++
      if (below >= members.length || member.priority < members[below]!.priority) break
      this.#put(members[below]!, place)
      place = below
    }
    this.#put(member, place)
  }

  #put(member: T, place: number): void {
    this.#members[place] = member
    this.#positions.set(member, place)
  }
}

/** Who came earlier has less. No two are the same. */
interface Prioritized {
  readonly priority: number
}
