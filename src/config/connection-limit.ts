/** How many connections the limit of open files allows, since messages that are being delivered need files as well. */

import { maildirDeliveries } from '../relay/index.ts'
import { maxLingering } from '../transport/index.ts'
import type { Settings } from './index.ts'
import { readProcessLimits } from './process-limits.ts'

/** Open all the time: event loops, signals, the log's streams. 20 to 23 were seen. */
const processFiles = 28
/** Open for a moment: certificate, users, code that is loaded at its first use, four look-ups of names at once. */
const momentaryFiles = 12
/** Of `--admin`: its listener, and as many connections as it takes. */
const adminFiles = 129

/**
 * Lowers `maxConnections` where the process may not have as many files open (fewer than `ulimit -n`), and adds a warning.
 * Otherwise clients that do nothing would take the files that the message of another client needs. Of a small limit,
 * connections get a half.
 * @param settings of the whole program, not of one of several workers
 * @param openFiles what one process may have open; `undefined`: there is no limit, or it is not known
 */
export function limitConnections(
  settings: Settings,
  openFiles: number | undefined = readProcessLimits().openFiles,
): Settings {
  const { workers, maxConnections, warnings } = settings
  if (openFiles === undefined) return settings
  const perProcess = Math.max(openFiles - reservedFiles(settings), Math.floor(openFiles / 2), 1)
  const possible = perProcess * workers
  if (possible >= maxConnections) return settings
  const processes = workers === 1 ? 'this process' : `each of ${workers} workers`
  const warning =
    `--max-connections is lowered from ${maxConnections} to ${possible}, because ${processes} may have only ${openFiles} ` +
    'files open, and messages need some of them; raise that limit (ulimit -n, LimitNOFILE of systemd, nofile of the ' +
    'container runtime), or set --max-connections lower'
  return { ...settings, maxConnections: possible, warnings: [...warnings, warning] }
}

/** Files that one process needs besides those of the connections that it serves. */
function reservedFiles(settings: Settings): number {
  const { listen, admin, workers } = settings
  return (
    processFiles +
    momentaryFiles +
    listen.length +
    maxLingering +
    messageFiles(settings) +
    // With several workers the primary serves it, which has no connections of its own.
    (admin !== undefined && workers === 1 ? adminFiles : 0)
  )
}

/** Files of as many messages as are handed on at once, and one more. */
function messageFiles({ relay, upstreamConnections, workers }: Settings): number {
  switch (relay) {
    case 'ses':
    case 'sesv2':
    case 'pinpoint':
      // The one more asks for credentials.
      return Math.ceil(upstreamConnections / workers) + 1
    case 'maildir':
      // The one more is the directory, which is written to disk for all of them together.
      return maildirDeliveries + 1
    case 'discard':
      return 0
  }
}
