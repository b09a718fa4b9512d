/** One process that serves: the whole program, or one of several workers. */
import { type Assembly, assemble } from './assembly.ts'
import type { Instruments, Writers } from './operations/index.ts'
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
 * @param instruments watch it, where somebody asked for that
 * @throws Error with a sentence for the operator
 */
export async function serve(
  settings: Settings,
  writers: Writers,
  note: (text: string) => void,
  instruments?: Instruments,
): Promise<Serving> {
  const assembly = await assemble(settings, writers, note, instruments)
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

/**
 * Begins to listen on an address, by whatever server.
 * @throws Error with a sentence for the operator, in the words of the Go program
 */
export async function bind<T>(address: ListenAddress, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen()
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    const reason = bindFaults[code] ?? message
    throw new Error(`listen tcp ${addressText({ ...address, implicitTls: false })}: ${reason}`)
  }
}

const bindFaults: Readonly<Record<string, string>> = {
  EADDRINUSE: 'bind: address already in use',
  EADDRNOTAVAIL: 'bind: cannot assign requested address',
  EACCES: 'bind: permission denied',
}
