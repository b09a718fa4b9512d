import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PriorityQueue } from '../../src/relay/limits/priority-queue.ts'

test('whatever is pushed and removed, the member with the lowest priority number is first', () => {
  // Each number is a member that joins, or leaves if it is there already.
  const moves = fc.array(fc.nat(40), { maxLength: 200 })
  fc.assert(
    fc.property(moves, moves => {
      const line = new PriorityQueue<{ readonly priority: number }>()
      const there = new Map<number, { readonly priority: number }>()
      for (const priority of moves) {
        const member = there.get(priority)
        if (member === undefined) {
          const newcomer = { priority }
          there.set(priority, newcomer)
          line.push(newcomer)
        } else {
          there.delete(priority)
          line.remove(member)
        }
        assert.equal(line.length, there.size)
        const [first, second] = [...there.keys()].toSorted((a, b) => a - b)
        assert.deepEqual([line.first?.priority, line.second?.priority], [first, second])
        assert.deepEqual(new Set(line), new Set(there.values()))
      }
      const inOrder = [...there.keys()].toSorted((a, b) => a - b)
      for (const priority of inOrder) {
        assert.equal(line.first?.priority, priority)
        line.remove(line.first!)
      }
      assert.equal(line.length, 0)
    }),
    { numRuns: 1000 },
  )
})
