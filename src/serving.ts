/** One process that serves: the whole program, or one of several workers. */
import { type Assembly, assemble, type Surroundings } from './assembly.ts'
import { bind } from './listening.ts'
import {
  deliveryLog,
  faultLog,
  type Instruments,
  together,
  verboseLog,
  type Writers,
} from './operations/index.ts'
import type { ListenAddress, Settings } from './options.ts'
import type { Relay } from './relay/index.ts'

/** An assembly that listens, with the ports that it really has: they differ where a free one was asked for. */
export interface Serving extends Assembly {
  readonly listening: readonly ListenAddress[]
}

/**
 * Opens everything that the settings name, and listens.
 * @param writers where the log goes
 * @param note hears what the operator should know, a sentence at a time
 * @param instruments watch it, where somebody asked for that
 * @throws Error with a sentence for the operator
 */
export async function serve(
  settings: Settings,
  writers: Writers,
  note: (text: string) => void,
  instruments?: Instruments,
): Promise<Serving> {
  const assembly = await assemble(settings, { note, ...logTo(writers, settings, instruments) })
  const { server, relay, dials } = assembly
  const listening = []
  for (const address of settings.listen) {
    const { port } = await bind(address, () => server.listen(address))
    listening.push({ ...address, port })
  }
  instruments?.serve(dials, relay.check)
  return { ...assembly, listening }
}

/** Says when mail cannot be sent. It is taken and answered 451, so that nothing is lost while the operator mends it. */
export function lookAhead({ check }: Relay, note: (text: string) => void): void {
  check?.().catch((error: Error) => note(`Mail cannot be sent yet: ${error.message}`))
}

/** What happens goes to the log, and to the instruments, if there are any. */
function logTo(
  writers: Writers,
  { verbose }: Settings,
  instruments: Instruments | undefined,
): Pick<Surroundings, 'watcher' | 'onFault' | 'onBadHeader'> {
  const log = deliveryLog(writers)
  return {
    watcher: together([log, ...(verbose ? [verboseLog(writers)] : []), instruments ?? {}]),
    onFault: faultLog(writers),
    onBadHeader(ip, reason) {
      const error = `No valid PROXY header: ${reason}`
      log.mail({ type: 'delivery', time: new Date(), ip, from: '', to: [], error })
    },
  }
}
