import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionMemory } from '../../src/config/connection-memory.ts'

const MiB = 1024 * 1024
const use = { messageBytes: 256 * MiB, connections: 10_000, workers: 1, residentBytes: 60 * MiB }
const heapBytes = 4096 * MiB

test('connections may take the memory that the program, garbage and messages leave', () => {
  const { bytes, warning } = connectionMemory({ memoryBytes: 512 * MiB, heapBytes }, use)
  assert.equal(bytes(0), (512 - 60 - 90) * MiB)
  assert.equal(bytes(100 * MiB), (512 - 60 - 90 - 125) * MiB)
  assert.equal(warning, undefined)
})

test('without a limit of the cgroup, the heap of V8 limits connections', () => {
  const { bytes, warning } = connectionMemory({ memoryBytes: undefined, heapBytes: 272 * MiB }, use)
  assert.ok(bytes(0) < 272 * MiB * 0.7)
  assert.equal(bytes(0), bytes(200 * MiB))
  assert.equal(warning, undefined)
})

test('workers share the limit of the cgroup', () => {
  const alone = connectionMemory({ memoryBytes: 1024 * MiB, heapBytes }, use)
  const both = connectionMemory({ memoryBytes: 1024 * MiB, heapBytes }, { ...use, workers: 2 })
  assert.ok(both.bytes(0) < alone.bytes(0) / 2)
})

test('limits that do not fit cause a warning, and a few connections are served nevertheless', () => {
  const { bytes, warning } = connectionMemory({ memoryBytes: 320 * MiB, heapBytes }, use)
  assert.match(
    warning!,
    /^The memory limit of this process \(320 MiB\) leaves 170 MiB for messages and connections, /,
  )
  assert.match(
    warning!,
    /--message-memory \(256 MiB\) and 10000 idle connections \(78 MiB\) may take 334 MiB/,
  )
  assert.equal(bytes(256 * MiB), 8 * MiB)
})
