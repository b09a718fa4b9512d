/** The metrics that there are, as dashboards and alerts may name them. */
import { readFileSync } from 'node:fs'
import { collectDefaultMetrics, Registry } from 'prom-client'

/** A metric with its labels, and their values where these are known. */
export interface Metric {
  readonly histogram: boolean
  readonly labels: ReadonlyMap<string, readonly string[] | undefined>
}

const page = new URL('../../docs/operations.md', import.meta.url)

const own = `
aws_smtp_relay_info{version,relay}
aws_smtp_relay_connections
aws_smtp_relay_connections_total
aws_smtp_relay_connections_refused_total{reason="total|address|proxy_header"}
aws_smtp_relay_sessions_total{tls="none|starttls|implicit",outcome="quit|hangup|timeout|errors|refused|shutdown|fault"}
aws_smtp_relay_messages_total{relay,outcome="accepted|temporary|permanent|aborted"}
aws_smtp_relay_recipients_total{relay,outcome="accepted|skipped|temporary|permanent"}
aws_smtp_relay_message_size_bytes (histogram)
aws_smtp_relay_received_bytes_total
aws_smtp_relay_replies_total{code}
aws_smtp_relay_logins_total{mechanism,outcome="accepted|refused"}
aws_smtp_relay_rejections_total{reason="address|login|sender|recipient|size|recipients|memory|errors"}
aws_smtp_relay_upstream_call_duration_seconds{relay,outcome="accepted|throttled|temporary|permanent"} (histogram)
aws_smtp_relay_upstream_retries_total{relay}
aws_smtp_relay_upstream_throttles_total{relay}
aws_smtp_relay_memory_used_bytes
aws_smtp_relay_memory_limit_bytes
aws_smtp_relay_memory_waiting_mails
aws_smtp_relay_certificate_expiry_timestamp_seconds
aws_smtp_relay_ready
aws_smtp_relay_workers{state="up|missing"}
`

/** By name: the program's own, and those that prom-client has of every process of Node.js. */
export const metrics: ReadonlyMap<string, Metric> = new Map([...ownMetrics(), ...ofEveryProcess()])

/** Those that stand on the page of metrics, which is held to the program. */
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
