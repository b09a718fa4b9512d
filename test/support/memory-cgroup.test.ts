import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { MemoryCgroup } from './memory-cgroup.ts'
import { RelayProcess } from './relay-process.ts'

const MiB = 1024 * 1024
const skip = MemoryCgroup.unavailable()

async function runIn(cgroup: MemoryCgroup, script: string) {
  const [file = '', ...args] = cgroup.wrap([process.execPath, '-e', script])
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', text => (output += text))
  const [code, signal] = await once(child, 'close')
  return { code, signal, output }
}

test('in a memory cgroup of 512 MiB, V8 has the same heap as in a container of that size', {
  skip,
}, async t => {
  const cgroup = MemoryCgroup.create(512 * MiB)
  t.after(() => cgroup.remove())
  const { code, output } = await runIn(
    cgroup,
    `Buffer.alloc(${40 * MiB}, 'x'); console.log(v8.getHeapStatistics().heap_size_limit)`,
  )
  assert.equal(code, 0)
  assert.ok(Number(output) <= 300e6, `${output} bytes`)
  assert.ok(cgroup.peakBytes > 40 * MiB, `${cgroup.peakBytes} bytes`)
  assert.equal(cgroup.oomKills, 0)
})

test('a process that exceeds the limit of its memory cgroup is killed, and that is counted', {
  skip,
}, async t => {
  const cgroup = MemoryCgroup.create(64 * MiB)
  t.after(() => cgroup.remove())
  const { signal } = await runIn(cgroup, `Buffer.alloc(${256 * MiB}, 'x')`)
  assert.equal(signal, 'SIGKILL')
  assert.equal(cgroup.oomKills, 1)
  assert.ok(cgroup.peakBytes <= 64 * MiB)
})

test('the program runs in a memory cgroup, with its workers', { skip }, async t => {
  const relay = await RelayProcess.start(t, {
    args: ['-r', 'discard', '--workers', '2'],
    memoryLimitBytes: 512 * MiB,
  })
  const expected = [relay.pid, ...(await relay.workers())]
  assert.equal(expected.length, 3)
  assert.deepEqual(
    relay.cgroup!.pids.toSorted((a, b) => a - b),
    expected.toSorted((a, b) => a - b),
  )
})
