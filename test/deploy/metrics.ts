/** The metrics that dashboards and alerts may query. */
import { readFileSync } from 'node:fs'
import { collectDefaultMetrics, Registry } from 'prom-client'

/** A metric with its labels, and their values if they are known. */
export interface Metric {
  readonly histogram: boolean
  readonly labels: ReadonlyMap<string, readonly string[] | undefined>
}

const page = new URL('../../docs/operations.md', import.meta.url)

const own = `
aws_smtp_relay_build_info{version,relay}
aws_smtp_relay_connections
aws_smtp_relay_connections_total
aws_smtp_relay_connections_refused_total{reason="connection_limit|per_ip_limit|memory|proxy_header"}
aws_smtp_relay_sessions_total{tls="none|starttls|implicit",outcome="quit|disconnect|timeout|errors|refused|host|shutdown|overload|internal_error"}
aws_smtp_relay_messages_total{relay,outcome="accepted|temporary|permanent|aborted"}
aws_smtp_relay_recipients_total{relay,outcome="accepted|skipped|temporary|permanent"}
aws_smtp_relay_message_size_bytes (histogram)
aws_smtp_relay_received_bytes_total
aws_smtp_relay_replies_total{code}
aws_smtp_relay_auth_attempts_total{mechanism,outcome="accepted|refused"}
aws_smtp_relay_rejections_total{reason="ip_not_allowed|auth_failed|sender_denied|recipient_denied|message_size|recipient_limit|memory|slow|error_limit"}
aws_smtp_relay_upstream_request_duration_seconds{relay,outcome="accepted|throttled|temporary|permanent"} (histogram)
aws_smtp_relay_upstream_retries_total{relay}
aws_smtp_relay_upstream_throttled_total{relay}
aws_smtp_relay_message_memory_bytes
aws_smtp_relay_message_memory_limit_bytes
aws_smtp_relay_messages_waiting
aws_smtp_relay_certificate_expiry_timestamp_seconds
aws_smtp_relay_ready
aws_smtp_relay_workers{state="up|missing"}
`

/** By name: the program's own metrics, and those of prom-client for every process of Node.js. */
export const metrics: ReadonlyMap<string, Metric> = new Map([...ownMetrics(), ...ofEveryProcess()])

/** The metrics of docs/operations.md, which another test compares with the program. */
function ownMetrics(): readonly (readonly [string, Metric])[] {
  const documented = new Set(readFileSync(page, 'utf8').match(/aws_smtp_relay_\w+/g))
  return own
    .trim()
    .split('\n')
    .map(line => {
      const [, name, labels = '', kind] = /^(\w+)(?:\{(.*)\})?(?: \((histogram)\))?$/.exec(line)!
      const read = [...labels.matchAll(/(\w+)(?:="([^"]*)")?/g)]
      return [
        name!,
        {
          histogram: kind !== undefined,
          labels: new Map(read.map(([, label, values]) => [label!, values?.split('|')])),
        },
      ] as const
    })
    .filter(([name]) => documented.has(name))
}

function ofEveryProcess(): readonly (readonly [string, Metric])[] {
  const register = new Registry()
  collectDefaultMetrics({ register })
  return register
    .getMetricsAsArray()
    .map(({ name, type }) => [name, { histogram: String(type) === 'histogram', labels: new Map() }] as const)
}
