/** One process that serves: the whole program, or one of several workers. */
import { type Assembly, assemble } from './assembly.ts'
import type { Writers } from './operations/index.ts'
import type { ListenAddress, Settings } from './options.ts'
import type { Relay } from './relay/index.ts'
import { addressText } from './welcome.ts'

/** An assembly that listens, with the ports that it really has: they differ where a free one was asked for. */
export interface Serving extends Assembly {
  readonly listening: readonly ListenAddress[]
}

/**
 * Opens everything that the settings name, and listens.
 * @param writers where the log goes
 * @param note hears what the operator should know, a sentence at a time
 * @throws Error with a sentence for the operator
 */
export async function serve(
  settings: Settings,
  writers: Writers,
  note: (text: string) => void,
): Promise<Serving> {
  const assembly = await assemble(settings, writers, note)
  const listening = []
  for (const address of settings.listen) listening.push(await listen(assembly, address))
  return { ...assembly, listening }
}

/** Says when mail cannot be sent. It is taken and answered 451, so that nothing is lost while the operator mends it. */
export function lookAhead({ check }: Relay, note: (text: string) => void): void {
  check?.().catch((error: Error) => note(`Mail cannot be sent yet: ${error.message}`))
}

async function listen({ server }: Assembly, address: ListenAddress): Promise<ListenAddress> {
  try {
    const { port } = await server.listen(address)
    return { ...address, port }
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    const reason = bindFaults[code] ?? message
    throw new Error(`listen tcp ${addressText({ ...address, implicitTls: false })}: ${reason}`)
  }
}

/** In the words of the Go program. */
const bindFaults: Readonly<Record<string, string>> = {
  EADDRINUSE: 'bind: address already in use',
  EADDRNOTAVAIL: 'bind: cannot assign requested address',
  EACCES: 'bind: permission denied',
}
