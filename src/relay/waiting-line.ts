/**
 * A line in order of seniority, whatever the order in which its members join. Who is first is known at once; joining
 * and leaving, from anywhere in the line, takes a time that grows with the logarithm of its length (a binary heap).
 */
export class WaitingLine<T extends Ranked> {
  readonly #members: T[] = []
  readonly #places = new Map<T, number>()

  get length(): number {
    return this.#members.length
  }

  get first(): T | undefined {
    return this.#members[0]
  }

  /** The member that becomes the first one when the first one leaves. */
  get second(): T | undefined {
    const [, left, right] = this.#members
    return left === undefined || right === undefined || left.seniority < right.seniority ? left : right
  }

  /** All members, in no particular order. */
  [Symbol.iterator](): Iterator<T> {
    return this.#members.values()
  }

  /** Must not stand in a line already. */
  join(member: T): void {
    this.#rise(member, this.#members.length)
  }

  /** Must stand in this line. */
  leave(member: T): void {
    const gap = this.#places.get(member)!
    const last = this.#members.pop()!
    this.#places.delete(member)
    if (last === member) return
    // The gap is the last one's to fill, from where it goes up or down.
    this.#rise(last, gap)
    this.#sink(last, this.#places.get(last)!)
  }

  #rise(member: T, from: number): void {
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const senior = this.#members[above]!
      if (senior.seniority < member.seniority) break
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
      if (below + 1 < members.length && members[below + 1]!.seniority < members[below]!.seniority) below++
      if (below >= members.length || member.seniority < members[below]!.seniority) break
      this.#put(members[below]!, place)
      place = below
    }
    this.#put(member, place)
  }

  #put(member: T, place: number): void {
    this.#members[place] = member
    this.#places.set(member, place)
  }
}

/** Who came earlier has less. No two are the same. */
interface Ranked {
  readonly seniority: number
}
