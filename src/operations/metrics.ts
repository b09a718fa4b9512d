import type { Registry } from 'prom-client'
import type { AccessEvent } from '../auth/index.ts'
import type { MessageEvent } from '../relay/index.ts'
import type { EventHandler } from '../support/emit.ts'
import type { ConnectionEvent } from '../transport/index.ts'
import { counters } from './counters.ts'
import type { RelayEvent } from './events.ts'
import { type GaugeSources, registerGauges } from './gauges.ts'
import {
  closeLabels,
  deliveryLabels,
  limitLabels,
  messageLabels,
  type RejectionLabel,
  rejectionLabels,
  rejectLabels,
} from './labels.ts'
import { loadPrometheus, metricPrefix } from './prometheus.ts'

/** The metrics of one process that serves. */
export interface Metrics {
  readonly registry: Registry
  /** Counts an event. */
  readonly onEvent: EventHandler<RelayEvent>
  /** Shows these gauges from now on. */
  addGauges(sources: GaugeSources): void
}

const callSeconds = [0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const messageBytes = [1, 4, 16, 64, 256, 1024, 4096, 10_240, 40_960].map(kibibytes => kibibytes * 1024)

/**
 * Creates the metrics, all of them 0. Loads prom-client.
 * @param relay the name of the backend
 * @throws Error with a sentence for the operator if prom-client is not installed
 */
export async function createMetrics(relay: string): Promise<Metrics> {
  const prometheus = await loadPrometheus()
  const { Registry, Histogram, collectDefaultMetrics } = prometheus
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  // Each of them is the sum of the metric without `_total`, and is not a counter.
  for (const what of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${what}_total`)

  const counter = counters(prometheus, registry)
  const connections = counter('connections_total', 'Connections that were accepted.')
  const refused = counter('connections_refused_total', 'Connections that were rejected.', ['reason'])
  const sessions = counter('sessions_total', 'Sessions that have ended.', ['tls', 'outcome'])
  const messages = counter('messages_total', 'Messages, by the reply that their clients got.', [
    'relay',
    'outcome',
  ])
  const recipients = counter('recipients_total', 'Recipients of messages that have ended.', [
    'relay',
    'outcome',
  ])
  const sizes = new Histogram({
    name: `${metricPrefix}message_size_bytes`,
    help: 'Sizes of the messages that were accepted.',
    buckets: messageBytes,
    registers,
  })
  const replies = counter('replies_total', 'Replies that were sent.', ['code'])
  const authAttempts = counter('auth_attempts_total', 'Credentials that were verified.', [
    'mechanism',
    'outcome',
  ])
  const rejections = counter('rejections_total', 'What this server itself rejected.', ['reason'])
  const reject = (reason: RejectionLabel) => rejections([reason])
  const calls = new Histogram({
    name: `${metricPrefix}upstream_request_duration_seconds`,
    help: 'Duration of calls to the backend.',
    labelNames: ['relay', 'outcome'],
    buckets: callSeconds,
    registers,
  })
  const retries = counter('upstream_retries_total', 'Calls that repeated one that failed.', ['relay'])
  const throttled = counter('upstream_throttled_total', 'Calls that the backend throttled.', ['relay'])
  // A series that has not been counted yet is 0: otherwise its first increase would not be one for Prometheus.
  for (const reason of Object.values(rejectLabels)) refused([reason], 0)
  for (const tls of ['none', 'starttls', 'implicit'])
    for (const outcome of Object.values(closeLabels)) sessions([tls, outcome], 0)
  for (const outcome of Object.values(messageLabels)) messages([relay, outcome], 0)
  for (const outcome of ['accepted', 'temporary', 'permanent', 'skipped']) recipients([relay, outcome], 0)
  for (const reason of rejectionLabels) rejections([reason], 0)
  for (const outcome of ['accepted', 'throttled', 'temporary', 'permanent']) calls.zero({ relay, outcome })
  retries([relay], 0)
  throttled([relay], 0)
  connections([], 0)

  function onEvent(event: RelayEvent): void {
    switch (event.type) {
      case 'opened':
      case 'rejected':
      case 'reply':
      case 'tls':
      case 'closed':
        return countConnection(event)
      case 'proxyError':
        return refused([rejectLabels.proxyHeader])
      case 'delivery':
      case 'call':
      case 'message':
        return countMessage(event)
      case 'notice':
      case 'error':
        return
      default:
        return countAccess(event)
    }
  }

  function countConnection(event: ConnectionEvent): void {
    switch (event.type) {
      case 'opened':
        return connections()
      case 'rejected':
        return refused([rejectLabels[event.reason]])
      case 'reply':
        replies([String(event.code)])
        {
          const limit = limitLabels.get(event.id)
          if (limit !== undefined) reject(limit)
        }
        return
      case 'closed':
        sessions([event.tls, closeLabels[event.reason]])
        if (event.reason === 'errors') reject('error_limit')
    }
  }

  function countAccess(event: AccessEvent): void {
    if (event.type === 'addressNotAllowed') return reject('ip_not_allowed')
    if (event.type === 'senderNotAllowed') return reject('sender_denied')
    const accepted = event.type === 'loggedIn'
    authAttempts([event.mechanism, accepted ? 'accepted' : 'refused'])
    if (!accepted) reject('auth_failed')
  }

  function countMessage(event: MessageEvent): void {
    switch (event.type) {
      case 'delivery':
        if (event.rejected !== undefined) reject(deliveryLabels[event.rejected])
        return
      case 'call':
        calls.observe({ relay: event.relay, outcome: event.outcome }, event.durationMs / 1000)
        if (event.isRetry) retries([event.relay])
        if (event.outcome === 'throttled') throttled([event.relay])
        return
      case 'message': {
        const { outcome, accepted, skipped, refused: rejected, size } = event
        messages([event.relay, messageLabels[outcome]])
        if (accepted > 0) recipients([event.relay, 'accepted'], accepted)
        if (skipped > 0) recipients([event.relay, 'skipped'], skipped)
        if (rejected > 0) recipients([event.relay, messageLabels[outcome]], rejected)
        if (outcome === 'accepted') sizes.observe(size)
      }
    }
  }

  const addGauges = (sources: GaugeSources) => registerGauges(prometheus, registry, sources)
  return { registry, onEvent, addGauges }
}
