import type * as Prom from 'prom-client'
import { prefix } from './prefix.ts'

/** What is not counted as it happens, but read off when somebody asks. */
export interface GaugeSources {
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

/** Shows dials as metrics. They are there from now on: nothing could be read off them before. */
export function registerGauges(
  { Gauge, Counter }: typeof Prom,
  registry: Prom.Registry,
  dials: GaugeSources,
): void {
  const registers = [registry]
  const { memory, certificateExpiry } = dials

  /** @param aggregator what becomes of it where there are several workers */
  function gauge(name: string, help: string, read: () => number, aggregator: 'sum' | 'min' = 'sum'): void {
    new Gauge({
      name: prefix + name,
      help,
      registers,
      aggregator,
      collect() {
        this.set(read())
      },
    })
  }

  gauge('connections', 'Connections that are open.', dials.connections)
  new Counter({
    name: `${prefix}received_bytes_total`,
    help: 'Bytes that clients have sent, commands and content.',
    registers,
    collect() {
      this.reset()
      this.inc(dials.receivedBytes())
    },
  })
  gauge('memory_used_bytes', 'Memory that mails hold.', () => memory.usedBytes)
  gauge('memory_limit_bytes', 'Memory that mails may hold together.', () => memory.totalBytes)
  gauge('memory_waiting_mails', 'Mails that wait for memory.', () => memory.waiting)
  if (certificateExpiry !== undefined) {
    const help = 'When the certificate expires, in seconds since 1970.'
    gauge('certificate_expiry_timestamp_seconds', help, () => certificateExpiry().getTime() / 1000, 'min')
  }
}
