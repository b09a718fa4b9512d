import type { Settings } from '../../config/index.ts'

/** The place of one worker among all: `number` counts from 0, `of` is the number of workers. */
export interface WorkerSlot {
  readonly number: number
  readonly of: number
}

/**
 * Returns the settings of one worker: its share of the limits of the whole program. The shares add up to the limits, except
 * for the connections of one client: no worker can count those of the others, so each share is rounded up.
 */
export function shareOf(settings: Settings, slot: WorkerSlot): Settings {
  const { upstreamConnections, maxConnections, maxConnectionsPerIp, messageMemoryBytes, sendRate } = settings
  return {
    ...settings,
    workers: slot.of,
    upstreamConnections: part(upstreamConnections, slot),
    maxConnections: part(maxConnections, slot),
    messageMemoryBytes: part(messageMemoryBytes, slot),
    maxConnectionsPerIp: Math.ceil(maxConnectionsPerIp / slot.of),
    // With `auto`, each worker divides the account's quota when it gets it.
    sendRate: typeof sendRate === 'number' ? sendRate / slot.of : sendRate,
  }
}

/** Returns a share in whole numbers; the last slots get the remainder. */
function part(whole: number, { number, of }: WorkerSlot): number {
  return Math.floor((whole + number) / of)
}
