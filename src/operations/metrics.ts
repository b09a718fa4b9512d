import type { Registry } from 'prom-client'
import type { AccessEvent } from '../auth/index.ts'
import type { MessageEvent } from '../relay/index.ts'
import type { CloseReason, ConnectionEvent } from '../transport/index.ts'
import { counters } from './counters.ts'
import type { EventHandlers } from './event-handlers.ts'
import { type GaugeSources, registerGauges } from './gauges.ts'
import { prefix } from './prefix.ts'
import { prometheus } from './prometheus.ts'

/** The metrics of one process that serves. */
export interface Metrics extends Required<EventHandlers> {
  readonly registry: Registry
  /** Shows these dials from now on. */
  show(dials: GaugeSources): void
}

const secondsOfCalls = [0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const sizes = [1, 4, 16, 64, 256, 1024, 4096, 10_240, 40_960].map(kibibytes => kibibytes * 1024)

/** Begins to count. prom-client is loaded here and not before. @param relay the backend's name */
export async function openMetrics(relay: string): Promise<Metrics> {
  const prom = await prometheus()
  const { Registry, Histogram, collectDefaultMetrics } = prom
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  // Each is the sum of one without `_total`, and no counter.
  for (const what of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${what}_total`)

  const counter = counters(prom, registry)
  const opened = counter('connections_total', 'Connections that were served.')
  const turnedAway = counter('connections_refused_total', 'Connections that were not served.', ['reason'])
  const sessions = counter('sessions_total', 'Sessions that have ended.', ['tls', 'outcome'])
  const messages = counter('messages_total', 'Mails, by what their clients were told.', ['relay', 'outcome'])
  const recipients = counter('recipients_total', 'Recipients of mails that came to their end.', [
    'relay',
    'outcome',
  ])
  const messageSizes = new Histogram({
    name: `${prefix}message_size_bytes`,
    help: 'Sizes of the mails that were accepted.',
    buckets: sizes,
    registers,
  })
  const replies = counter('replies_total', 'Replies that were said.', ['code'])
  const logins = counter('logins_total', 'Credentials that were looked at.', ['mechanism', 'outcome'])
  const rejections = counter('rejections_total', 'What this server itself refused.', ['reason'])
  const reject = (reason: Rejection) => rejections([reason])
  const calls = new Histogram({
    name: `${prefix}upstream_call_duration_seconds`,
    help: 'How long calls to the backend took.',
    labelNames: ['relay', 'outcome'],
    buckets: secondsOfCalls,
    registers,
  })
  const retries = counter('upstream_retries_total', 'Calls that repeated one that failed.', ['relay'])
  const throttles = counter('upstream_throttles_total', 'Calls that the backend throttled.', ['relay'])
  // What has not happened yet is 0: the first time is a rise, too.
  for (const reason of ['total', 'address', 'memory', 'proxy_header']) turnedAway([reason], 0)
  for (const tls of ['none', 'starttls', 'implicit'])
    for (const outcome of sessionOutcomes) sessions([tls, outcome], 0)
  for (const outcome of ['accepted', 'temporary', 'permanent']) {
    messages([relay, outcome], 0)
    recipients([relay, outcome], 0)
  }
  messages([relay, 'aborted'], 0)
  recipients([relay, 'skipped'], 0)
  for (const reason of rejectionReasons) rejections([reason], 0)
  for (const outcome of ['accepted', 'throttled', 'temporary', 'permanent']) calls.zero({ relay, outcome })
  retries([relay], 0)
  throttles([relay], 0)
  opened([], 0)

  function traffic(event: ConnectionEvent): void {
    switch (event.type) {
      case 'opened':
        return opened()
      case 'turnedAway':
        return turnedAway([event.reason === 'proxyHeader' ? 'proxy_header' : event.reason])
      case 'replied':
        replies([String(event.code)])
        if (event.limit !== undefined) reject(event.limit)
        return
      case 'ended':
        sessions([event.tls, event.outcome])
        if (event.outcome === 'errors') reject('errors')
    }
  }

  function access(event: AccessEvent): void {
    if (event.type === 'addressNotAllowed') return reject('address')
    if (event.type === 'senderNotAllowed') return reject('sender')
    const accepted = event.type === 'loggedIn'
    logins([event.mechanism, accepted ? 'accepted' : 'refused'])
    if (!accepted) reject('login')
  }

  function mail(event: MessageEvent): void {
    switch (event.type) {
      case 'delivery':
        if (event.rejected !== undefined) reject(event.rejected)
        return
      case 'call':
        calls.observe({ relay: event.relay, outcome: event.outcome }, event.durationMs / 1000)
        if (event.isRetry) retries([event.relay])
        if (event.outcome === 'throttled') throttles([event.relay])
        return
      case 'message': {
        const { outcome, accepted, skipped, refused, size } = event
        messages([event.relay, outcome])
        if (accepted > 0) recipients([event.relay, 'accepted'], accepted)
        if (skipped > 0) recipients([event.relay, 'skipped'], skipped)
        if (refused > 0) recipients([event.relay, outcome], refused)
        if (outcome === 'accepted') messageSizes.observe(size)
      }
    }
  }

  const show = (dials: GaugeSources) => registerGauges(prom, registry, dials)
  return { registry, traffic, access, mail, show }
}

const sessionOutcomes = Object.keys({
  quit: true,
  hangup: true,
  timeout: true,
  errors: true,
  refused: true,
  shutdown: true,
  overload: true,
  fault: true,
} satisfies Record<CloseReason, true>)

const rejectionReasons = [
  'address',
  'login',
  'sender',
  'recipient',
  'size',
  'recipients',
  'memory',
  'slow',
  'errors',
] as const
type Rejection = (typeof rejectionReasons)[number]
