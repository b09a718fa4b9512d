import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderMetrics } from '../../src/operations/build-info.ts'
import { createMetrics } from '../../src/operations/metrics.ts'
import { MetricsAggregator, type Snapshot } from '../../src/operations/metrics-aggregate.ts'
import { numberOf, readExposition } from '../support/exposition.ts'

/** Returns the metrics of a worker after `opened` connections, as they arrive through a pipe. */
async function snapshot(opened: number, open = 0, expiresAt = 2_000_000_000): Promise<Snapshot> {
  const metrics = await createMetrics('ses')
  metrics.addGauges({
    connections: () => open,
    receivedBytes: () => opened * 10,
    memory: { usedBytes: 1, totalBytes: 100, waiting: 0 },
    certificateExpiry: () => new Date(expiresAt * 1000),
  })
  for (let n = 0; n < opened; n++) metrics.onEvent({ type: 'opened', address: '192.0.2.1' })
  metrics.onEvent({
    type: 'call',
    relay: 'ses',
    outcome: 'accepted',
    durationMs: opened * 100,
    isRetry: false,
  })
  return JSON.parse(JSON.stringify(await metrics.registry.getMetricsAsJSON()))
}

async function read(aggregator: MetricsAggregator, snapshots: ReadonlyMap<object, Snapshot | undefined>) {
  const families = readExposition(await renderMetrics(aggregator.sum(snapshots)))
  return (name: string, labels?: Record<string, string>) =>
    numberOf(families, `aws_smtp_relay_${name}`, labels)
}

const [one, two, three] = [{}, {}, {}]

test('counters, histograms and gauges are summed, and the earliest expiry of a certificate is shown', async () => {
  const aggregator = await MetricsAggregator.create()
  const found = await read(
    aggregator,
    new Map([
      [one, await snapshot(3, 1, 2_000_000_000)],
      [two, await snapshot(4, 2, 1_900_000_000)],
    ]),
  )
  assert.equal(found('connections_total'), 7)
  assert.equal(found('connections'), 3)
  assert.equal(found('received_bytes_total'), 70)
  assert.equal(found('message_memory_limit_bytes'), 200)
  assert.equal(found('certificate_expiry_timestamp_seconds'), 1_900_000_000)
  const labels = { relay: 'ses', outcome: 'accepted' }
  assert.equal(found('upstream_request_duration_seconds_count', labels), 2)
  assert.ok(Math.abs(found('upstream_request_duration_seconds_sum', labels)! - 0.7) < 1e-9)
})

test('the counts of a worker stay when it dies, its gauges do not', async () => {
  const aggregator = await MetricsAggregator.create()
  await read(
    aggregator,
    new Map([
      [one, await snapshot(3, 1)],
      [two, await snapshot(4, 2)],
    ]),
  )
  aggregator.end(one)
  let found = await read(aggregator, new Map([[two, await snapshot(5, 2)]]))
  assert.deepEqual([found('connections_total'), found('connections')], [8, 2])
  assert.equal(found('message_memory_limit_bytes'), 100)
  aggregator.end(two)
  found = await read(aggregator, new Map([[three, await snapshot(1)]]))
  assert.deepEqual([found('connections_total'), found('connections')], [9, 0])
})

test('the counters of a worker that does not answer are those of the last time', async () => {
  const aggregator = await MetricsAggregator.create()
  const after = async (n: number) => new Map([[one, await snapshot(n, 1)]])
  await read(aggregator, await after(3))
  const silent = await read(aggregator, new Map([[one, undefined]]))
  assert.deepEqual([silent('connections_total'), silent('connections')], [3, undefined])
  const found = await read(aggregator, await after(5))
  assert.deepEqual([found('connections_total'), found('connections')], [5, 1])
})

test('a worker that has never answered adds nothing, alive or dead', async () => {
  const aggregator = await MetricsAggregator.create()
  const silent = await read(aggregator, new Map([[one, undefined]]))
  assert.equal(silent('connections_total'), undefined)
  aggregator.end(one)
  const found = await read(aggregator, new Map([[two, await snapshot(2)]]))
  assert.equal(found('connections_total'), 2)
})
