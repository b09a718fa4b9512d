/** One process that serves: the whole program, or one of several workers. */

import type { ListenAddress, Settings } from '../config/index.ts'
import {
  combineHandlers,
  deliveryLog,
  faultLog,
  type LogSink,
  type Monitoring,
  verboseLog,
} from '../operations/index.ts'
import type { Relay } from '../relay/index.ts'
import { type BuildOptions, buildServer, type ServerParts } from '../server.ts'
import { listenOrExplain } from './listen.ts'

/** An assembly that listens, with the ports that it really has: they differ where a free one was asked for. */
export interface RunningServer extends ServerParts {
  readonly listening: readonly ListenAddress[]
}

/**
 * Opens everything that the settings name, and listens.
 * @param writers where the log goes
 * @param onNotice hears what the operator should know, a sentence at a time
 * @param instruments watch it, where somebody asked for that
 * @throws Error with a sentence for the operator
 */
export async function serve(
  settings: Settings,
  writers: LogSink,
  onNotice: (text: string) => void,
  instruments?: Monitoring,
): Promise<RunningServer> {
  const assembly = await buildServer(settings, { onNotice, ...logTo(writers, settings, instruments) })
  const { server, relay, gauges } = assembly
  const listening = []
  for (const address of settings.listen) {
    const { port } = await listenOrExplain(address, () => server.listen(address))
    listening.push({ ...address, port })
  }
  instruments?.serve(gauges, relay.check)
  return { ...assembly, listening }
}

/** Says when mail cannot be sent. It is taken and answered 451, so that nothing is lost while the operator mends it. */
export function warnIfUpstreamUnavailable({ check }: Relay, note: (text: string) => void): void {
  check?.().catch((error: Error) => note(`Mail cannot be sent yet: ${error.message}`))
}

/** What happens goes to the log, and to the instruments, if there are any. */
function logTo(
  writers: LogSink,
  { verbose }: Settings,
  instruments: Monitoring | undefined,
): Pick<BuildOptions, 'handlers' | 'onError' | 'onProxyError'> {
  const log = deliveryLog(writers)
  return {
    handlers: combineHandlers([log, ...(verbose ? [verboseLog(writers)] : []), instruments ?? {}]),
    onError: faultLog(writers),
    onProxyError(ip, reason) {
      const error = `No valid PROXY header: ${reason}`
      log.mail({ type: 'delivery', time: new Date(), ip, from: '', to: [], error })
    },
  }
}
