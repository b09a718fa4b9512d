import type * as Prom from 'prom-client'
import { metricPrefix } from './prometheus.ts'

/** Values that are read when the metrics are collected, not counted as they happen. */
export interface GaugeSources {
  /** Open connections. */
  readonly connections: () => number
  /** Bytes that clients have sent since the start. */
  readonly receivedBytes: () => number
  readonly memory: {
    readonly usedBytes: number
    readonly totalBytes: number
    /** Messages that wait for memory. */
    readonly waiting: number
  }
  /** When the certificate expires; `undefined` without a certificate. */
  readonly certificateExpiry?: (() => Date) | undefined
}

/** Registers the gauges. Call it once the server listens: there is nothing to read earlier. */
export function registerGauges(
  { Gauge, Counter }: typeof Prom,
  registry: Prom.Registry,
  sources: GaugeSources,
): void {
  const registers = [registry]
  const { memory, certificateExpiry } = sources

  /** @param aggregator how the values of several workers become one */
  function gauge(name: string, help: string, read: () => number, aggregator: 'sum' | 'min' = 'sum'): void {
    new Gauge({
      name: metricPrefix + name,
      help,
      registers,
      aggregator,
      collect() {
        this.set(read())
      },
    })
  }

  gauge('connections', 'Open connections.', sources.connections)
  new Counter({
    name: `${metricPrefix}received_bytes_total`,
    help: 'Bytes received from clients, commands and content.',
    registers,
    collect() {
      this.reset()
      this.inc(sources.receivedBytes())
    },
  })
  gauge('message_memory_bytes', 'Memory that messages hold.', () => memory.usedBytes)
  gauge('message_memory_limit_bytes', 'Memory that all messages may hold together.', () => memory.totalBytes)
  gauge('messages_waiting', 'Messages that wait for memory.', () => memory.waiting)
  if (certificateExpiry !== undefined) {
    const help = 'When the certificate expires, in seconds since 1970.'
    gauge('certificate_expiry_timestamp_seconds', help, () => certificateExpiry().getTime() / 1000, 'min')
  }
}
