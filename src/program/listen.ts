import type { ListenAddress } from '../config/index.ts'
import { addressText } from './startup-messages.ts'

/**
 * Begins to listen on an address, by whatever server.
 * @throws Error with a sentence for the operator, in the words of the Go program
 */
export async function listenOrExplain<T>(address: ListenAddress, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen()
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    const reason = bindFaults[code] ?? message
    throw new Error(`listen tcp ${addressText({ ...address, implicitTls: false })}: ${reason}`, {
      cause: error,
    })
  }
}

const bindFaults: Readonly<Record<string, string>> = {
  EADDRINUSE: 'bind: address already in use',
  EADDRNOTAVAIL: 'bind: cannot assign requested address',
  EACCES: 'bind: permission denied',
}
