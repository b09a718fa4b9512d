import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse, type Settings } from '../../src/config/index.ts'
import { shareOf } from '../../src/program/workers/share.ts'

function shares(workers: number, ...argv: readonly string[]): Settings[] {
  const parsed = parse([...argv, '--workers', String(workers)], {})
  if (parsed.type !== 'settings') assert.fail(JSON.stringify(parsed))
  return Array.from({ length: workers }, (_, number) => shareOf(parsed.settings, { number, of: workers }))
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

test('limits of the whole program are divided so that the parts add up to them', () => {
  for (const [workers, connections, upstream] of [
    [1, 10_000, 256],
    [3, 10_000, 256],
    [4, 7, 5],
    [64, 64, 65],
  ] as const) {
    const all = shares(
      workers,
      ...['--max-connections', String(connections)],
      ...['--upstream-connections', String(upstream)],
      ...['--message-memory', '1000000007'],
    )
    for (const [whole, parts] of [
      [connections, all.map(share => share.maxConnections)],
      [upstream, all.map(share => share.upstreamConnections)],
      [1_000_000_007, all.map(share => share.messageMemoryBytes)],
    ] as const) {
      assert.equal(sum(parts), whole)
      assert.ok(Math.min(...parts) >= 1 && Math.max(...parts) - Math.min(...parts) <= 1, String(parts))
    }
  }
})

test('a send rate is divided, into fractions if necessary; no rate stays no rate, and a quota is divided when it arrives', () => {
  const rates = (rate: string) => shares(4, '--send-rate', rate).map(({ sendRate }) => sendRate)
  assert.deepEqual(rates('14'), [3.5, 3.5, 3.5, 3.5])
  assert.deepEqual(rates('1'), [0.25, 0.25, 0.25, 0.25])
  assert.deepEqual(rates('0'), [undefined, undefined, undefined, undefined])
  assert.deepEqual(rates('auto'), ['auto', 'auto', 'auto', 'auto'])
  assert.deepEqual(
    shares(4).map(({ workers }) => workers),
    [4, 4, 4, 4],
  )
})

test('the connections of one client are divided and rounded up; no limit stays no limit', () => {
  const limits = (limit: string) =>
    shares(4, '--max-connections-per-ip', limit).map(({ maxConnectionsPerIp }) => maxConnectionsPerIp)
  assert.deepEqual(limits('10'), [3, 3, 3, 3])
  assert.deepEqual(limits('1'), [1, 1, 1, 1])
  assert.deepEqual(limits('0'), Array(4).fill(Number.POSITIVE_INFINITY))
})

test('without an explicit limit each worker has the memory of a single process', () => {
  for (const { messageMemoryBytes } of shares(4)) assert.equal(messageMemoryBytes, 256 * 1024 * 1024)
})

test('all other settings are the same for all workers, and a single worker has the whole limits', () => {
  const argv = ['--send-rate', '5', '--max-connections-per-ip', '7', '--max-recipients', '200', '-r', 'sesv2']
  const parsed = parse(argv, {})
  if (parsed.type !== 'settings') assert.fail(JSON.stringify(parsed))
  assert.deepEqual(shares(1, ...argv), [parsed.settings])
  const {
    workers,
    sendRate,
    maxConnections,
    maxConnectionsPerIp,
    messageMemoryBytes,
    upstreamConnections,
    ...same
  } = parsed.settings
  for (const share of shares(3, ...argv)) assert.deepEqual({ ...share, ...same }, share)
})
