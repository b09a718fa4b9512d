/** The maximum of connections that the limit of open files allows. Messages in delivery need files, too. */

import { maildirDeliveries } from '../relay/index.ts'
import { maxLingering } from '../transport/index.ts'
import { readProcessLimits } from './process-limits.ts'
import type { Settings } from './settings.ts'

/** Files that are always open: event loops, signals, the streams of the log. 20 to 23 were measured. */
const processFiles = 28
/**
 * Files that are open for a moment: certificate, users, code that is loaded when first used, four DNS lookups
 * at once.
 */
const momentaryFiles = 12
/** Files of `--admin`: its listener, and its maximum of connections. */
const adminFiles = 129

/**
 * Lowers `maxConnections` if the limit of open files (`ulimit -n`) is too small for it, and adds a warning.
 * Otherwise idle clients could take the files that the message of another client needs. If the limit is
 * small, connections get half of it.
 * @param settings those of the whole program, not the share of a worker
 * @param openFiles the limit of one process; `undefined` means that there is no limit, or that it is unknown
 */
export function limitConnections(
  settings: Settings,
  openFiles: number | undefined = readProcessLimits().openFiles,
): Settings {
  const { workers, maxConnections, warnings } = settings
  if (openFiles === undefined) return settings
  const perProcess = Math.max(openFiles - reservedFiles(settings), Math.floor(openFiles / 2), 1)
  const allowed = perProcess * workers
  if (allowed >= maxConnections) return settings
  const limited = workers === 1 ? 'this process' : `each of ${workers} workers`
  const warning =
    `--max-connections is lowered from ${maxConnections} to ${allowed}, because ${limited} can have only ${openFiles} ` +
    'files open, and messages need some of them: raise that limit (ulimit -n, LimitNOFILE of systemd, nofile of the ' +
    'container runtime), or set a lower --max-connections'
  return { ...settings, maxConnections: allowed, warnings: [...warnings, warning] }
}

/** Returns the number of files that one process needs besides those of its SMTP connections. */
function reservedFiles(settings: Settings): number {
  const { listen, admin, workers } = settings
  return (
    processFiles +
    momentaryFiles +
    listen.length +
    maxLingering +
    messageFiles(settings) +
    // With several workers the primary serves it, which has no SMTP connections.
    (admin !== undefined && workers === 1 ? adminFiles : 0)
  )
}

/** Returns the number of files that messages in delivery need, at most. */
function messageFiles({ relay, upstreamConnections, workers }: Settings): number {
  switch (relay) {
    case 'ses':
    case 'sesv2':
    case 'pinpoint':
      // One more, to get credentials.
      return Math.ceil(upstreamConnections / workers) + 1
    case 'maildir':
      // One more: the directory, which is synced for all of them together.
      return maildirDeliveries + 1
    case 'discard':
      return 0
  }
}
