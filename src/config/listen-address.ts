import type { ListenAddress } from './value-types.ts'

/** Returns an address as it is written in `--listen`: `tls://[::1]:465`. */
export function addressText({ host = '', port, implicitTls }: ListenAddress): string {
  return `${implicitTls ? 'tls://' : ''}${hostInUrl(host)}:${port}`
}

/** Returns a host as it is written before a port: an IPv6 address in brackets. */
export function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/**
 * Calls `listen` and returns its result.
 * @throws Error with a sentence for the operator in the words of the Go program, if `listen` rejects
 */
export async function listenOrExplain<T>(address: ListenAddress, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen()
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    const reason = bindErrors[code] ?? message
    throw new Error(`listen tcp ${addressText({ ...address, implicitTls: false })}: ${reason}`, {
      cause: error,
    })
  }
}

const bindErrors: Readonly<Record<string, string>> = {
  EADDRINUSE: 'bind: address already in use',
  EADDRNOTAVAIL: 'bind: cannot assign requested address',
  EACCES: 'bind: permission denied',
}
