import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WaitingLine } from '../../src/relay/waiting-line.ts'

test('whoever joins and leaves, and in whatever order, the most senior member is first', () => {
  // Each number is a member that joins, or leaves if it is there already.
  const moves = fc.array(fc.nat(40), { maxLength: 200 })
  fc.assert(
    fc.property(moves, moves => {
      const line = new WaitingLine<{ readonly seniority: number }>()
      const there = new Map<number, { readonly seniority: number }>()
      for (const seniority of moves) {
        const member = there.get(seniority)
        if (member === undefined) {
          const newcomer = { seniority }
          there.set(seniority, newcomer)
          line.join(newcomer)
        } else {
          there.delete(seniority)
          line.leave(member)
        }
        assert.equal(line.length, there.size)
        const [first, second] = [...there.keys()].toSorted((a, b) => a - b)
        assert.deepEqual([line.first?.seniority, line.second?.seniority], [first, second])
        assert.deepEqual(new Set(line), new Set(there.values()))
      }
      const inOrder = [...there.keys()].toSorted((a, b) => a - b)
      for (const seniority of inOrder) {
        assert.equal(line.first?.seniority, seniority)
        line.leave(line.first!)
      }
      assert.equal(line.length, 0)
    }),
    { numRuns: 1000 },
  )
})
