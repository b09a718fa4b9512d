import type { Settings } from '../../config/index.ts'

/** One of the processes that serve: `number` counts from 0, `of` is how many there are. */
export interface WorkerSlot {
  readonly number: number
  readonly of: number
}

/**
 * What one worker may do of what is settled for the whole program. The shares add up to it, but for the connections
 * of one client, which no worker can count for the others: there each share is rounded up.
 */
export function shareOf(settings: Settings, seat: WorkerSlot): Settings {
  const { upstreamConnections, maxConnections, maxConnectionsPerIp, messageMemoryBytes, sendRate } = settings
  return {
    ...settings,
    workers: seat.of,
    upstreamConnections: part(upstreamConnections, seat),
    maxConnections: part(maxConnections, seat),
    messageMemoryBytes: part(messageMemoryBytes, seat),
    maxConnectionsPerIp: Math.ceil(maxConnectionsPerIp / seat.of),
    // The quota of the account is divided where it is heard.
    sendRate: typeof sendRate === 'number' ? sendRate / seat.of : sendRate,
  }
}

/** A share in whole numbers; what cannot be divided goes to the last ones. */
function part(whole: number, { number, of }: WorkerSlot): number {
  return Math.floor((whole + number) / of)
}
