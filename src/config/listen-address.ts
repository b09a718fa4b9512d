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
