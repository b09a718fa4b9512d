import { error, type ParseResult, value } from './value-type.ts'

/** An address to listen on. */
export interface ListenAddress {
  /** A name or an IP address without brackets. `undefined` means all interfaces, IPv6 and IPv4. */
  readonly host: string | undefined
  /** 0 means any free port. */
  readonly port: number
  /** TLS from the first byte on, instead of STARTTLS. */
  readonly implicitTls: boolean
}

/**
 * Reads `host:port`, `[v6]:port` or `:port`, each with `tls://` before it for implicit TLS. The error
 * messages are those of Go's `net.Listen` and `net.SplitHostPort`.
 */
export function parseListenAddress(text: string): ParseResult<ListenAddress> {
  const implicitTls = text.startsWith('tls://')
  const address = implicitTls ? text.slice('tls://'.length) : text
  const reject = (reason: string) => error(`listen tcp: address ${address}: ${reason}`)

  const colon = address.lastIndexOf(':')
  if (colon < 0 || address.endsWith(']')) return reject('missing port in address')
  let host = address.slice(0, colon)
  const port = address.slice(colon + 1)
  if (host.startsWith('[') && host.endsWith(']')) host = host.slice(1, -1)
  else if (host.includes(':')) return reject('too many colons in address')
  if (/[^!-~]|[[\]/]/.test(host)) return reject('invalid host')
  if (port === '') return reject('missing port in address')
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return reject('invalid port')
  return value({ host: host === '' ? undefined : host, port: Number(port), implicitTls })
}

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
