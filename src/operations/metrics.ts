import type { Registry } from 'prom-client'
import type { AccessEvent } from '../auth/index.ts'
import type { MailEvent } from '../relay/index.ts'
import type { SessionOutcome, TrafficEvent } from '../transport/index.ts'
import type { Watcher } from './watcher.ts'

/** What stands in front of every name but those of Node.js and the process. */
export const prefix = 'aws_smtp_relay_'

/** What is not counted as it happens, but read off when somebody asks. */
export interface Dials {
  /** Connections that are open. */
  readonly connections: () => number
  /** Bytes that clients have sent since the start. */
  readonly receivedBytes: () => number
  readonly memory: {
    readonly usedBytes: number
    readonly totalBytes: number
    /** Mails that wait for memory. */
    readonly waiting: number
  }
  /** When the certificate expires; absent where there is none. */
  readonly certificateExpiry?: (() => Date) | undefined
}

/** The metrics of one process that serves. */
export interface Metrics extends Required<Watcher> {
  readonly registry: Registry
  /** Shows these dials from now on. */
  show(dials: Dials): void
}

/** Counts, by the values of the labels in their order. */
type Count = (values?: readonly string[], count?: number) => void

const secondsOfCalls = [0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const sizes = [1, 4, 16, 64, 256, 1024, 4096, 10_240, 40_960].map(kibibytes => kibibytes * 1024)

/** Begins to count. prom-client is loaded here and not before. @param relay the backend's name */
export async function openMetrics(relay: string): Promise<Metrics> {
  const { Registry, Counter, Gauge, Histogram, collectDefaultMetrics } = await import('prom-client')
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  // Each is the sum of one without `_total`, and no counter.
  for (const what of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${what}_total`)

  /**
   * Makes a counter, and gives what counts. prom-client takes a microsecond to find a series by its labels, several times
   * a mail: it is told of what was counted when somebody asks.
   */
  function counter(name: string, help: string, labelNames: readonly string[] = []): Count {
    const series = new Map<string, { readonly labels: Record<string, string>; count: number }>()
    new Counter({
      name: prefix + name,
      help,
      labelNames,
      registers,
      collect() {
        for (const one of series.values()) {
          this.inc(one.labels, one.count)
          one.count = 0
        }
      },
    })
    return (values = [], count = 1) => {
      const key = values.join(' ')
      const known = series.get(key)
      if (known !== undefined) known.count += count
      else
        series.set(key, {
          labels: Object.fromEntries(labelNames.map((name, i) => [name, values[i]!])),
          count,
        })
    }
  }
  function gauge(
    name: string,
    help: string,
    read: (dials: Dials) => number,
    aggregator: 'sum' | 'min' = 'sum',
  ) {
    // One that cannot be read yet is not there.
    dialled.push(dials => {
      const collect = function (this: InstanceType<typeof Gauge>) {
        this.set(read(dials))
      }
      new Gauge({ name: prefix + name, help, registers, aggregator, collect })
    })
  }

  const dialled: ((dials: Dials) => void)[] = []
  gauge('connections', 'Connections that are open.', dials => dials.connections())
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
  new Counter({
    name: `${prefix}received_bytes_total`,
    help: 'Bytes that clients have sent, commands and content.',
    registers,
    collect() {
      this.reset()
      this.inc(receivedBytes())
    },
  })
  let receivedBytes = () => 0
  const replies = counter('replies_total', 'Replies that were said.', ['code'])
  const logins = counter('logins_total', 'Credentials that were looked at.', ['mechanism', 'outcome'])
  const rejections = counter('rejections_total', 'What this server itself refused.', ['reason'])
  const calls = new Histogram({
    name: `${prefix}upstream_call_duration_seconds`,
    help: 'How long calls to the backend took.',
    labelNames: ['relay', 'outcome'],
    buckets: secondsOfCalls,
    registers,
  })
  const retries = counter('upstream_retries_total', 'Calls that repeated one that failed.', ['relay'])
  const throttles = counter('upstream_throttles_total', 'Calls that the backend throttled.', ['relay'])
  gauge('memory_used_bytes', 'Memory that mails hold.', ({ memory }) => memory.usedBytes)
  gauge('memory_limit_bytes', 'Memory that mails may hold together.', ({ memory }) => memory.totalBytes)
  gauge('memory_waiting_mails', 'Mails that wait for memory.', ({ memory }) => memory.waiting)

  // What has not happened yet is 0: the first time is a rise, too.
  for (const reason of ['total', 'address', 'proxy_header']) turnedAway([reason], 0)
  for (const tls of ['none', 'starttls', 'implicit'])
    for (const outcome of sessionOutcomes) sessions([tls, outcome], 0)
  for (const outcome of ['accepted', 'temporary', 'permanent']) {
    messages([relay, outcome], 0)
    recipients([relay, outcome], 0)
  }
  messages([relay, 'abandoned'], 0)
  for (const reason of rejectionReasons) rejections([reason], 0)
  for (const outcome of ['accepted', 'throttled', 'temporary', 'permanent']) calls.zero({ relay, outcome })
  retries([relay], 0)
  throttles([relay], 0)
  opened([], 0)

  function traffic(event: TrafficEvent): void {
    switch (event.type) {
      case 'opened':
        return opened()
      case 'turnedAway':
        return turnedAway([event.reason === 'proxyHeader' ? 'proxy_header' : event.reason])
      case 'replied':
        replies([String(event.code)])
        if (event.limit !== undefined) rejections([event.limit])
        return
      case 'ended':
        sessions([event.tls, event.outcome])
        if (event.outcome === 'errors') rejections(['errors'])
    }
  }

  function access(event: AccessEvent): void {
    if (event.type === 'refusedAddress') return rejections(['address'])
    if (event.type === 'deniedSender') return rejections(['sender'])
    const accepted = event.type === 'loggedIn'
    logins([event.mechanism, accepted ? 'accepted' : 'refused'])
    if (!accepted) rejections(['login'])
  }

  function mail(event: MailEvent): void {
    switch (event.type) {
      case 'delivery':
        if (event.rejected !== undefined) rejections([event.rejected])
        return
      case 'call':
        calls.observe({ relay: event.relay, outcome: event.outcome }, event.ms / 1000)
        if (event.again) retries([event.relay])
        if (event.outcome === 'throttled') throttles([event.relay])
        return
      case 'message': {
        const { outcome, accepted, refused, size } = event
        messages([event.relay, outcome])
        if (accepted > 0) recipients([event.relay, 'accepted'], accepted)
        if (refused > 0) recipients([event.relay, outcome], refused)
        if (outcome === 'accepted') messageSizes.observe(size)
      }
    }
  }

  function show(dials: Dials): void {
    const { certificateExpiry } = dials
    if (certificateExpiry !== undefined) {
      const help = 'When the certificate expires, in seconds since 1970.'
      gauge('certificate_expiry_timestamp_seconds', help, () => certificateExpiry().getTime() / 1000, 'min')
    }
    for (const begin of dialled.splice(0)) begin(dials)
    receivedBytes = dials.receivedBytes
  }

  return { registry, traffic, access, mail, show }
}

const sessionOutcomes: readonly SessionOutcome[] = [
  'quit',
  'hangup',
  'timeout',
  'errors',
  'refused',
  'shutdown',
  'fault',
]

const rejectionReasons = [
  'address',
  'login',
  'sender',
  'recipient',
  'size',
  'recipients',
  'memory',
  'errors',
] as const
