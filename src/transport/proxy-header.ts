import { isIP, SocketAddress } from 'node:net'
import { normalizeAddress } from './peer-address.ts'

/** A header of the PROXY protocol, version 1 or 2, as parsed from a load balancer's first bytes. */
export type ProxyHeader =
  /** The header is valid so far, but not complete. Never returned for `maxHeaderBytes` or more. */
  | { readonly type: 'incomplete' }
  | { readonly type: 'malformed' }
  | {
      readonly type: 'complete'
      /** Length of the header. The bytes after it are the client's. */
      readonly bytes: number
      /** The client's address; `undefined` if the load balancer does not know it, or has no client. */
      readonly source: string | undefined
      /** There is no client: the load balancer checks the server's health (LOCAL, in version 2). */
      readonly local: boolean
    }

/** Bytes of the longest header that is accepted: one of version 2 whose addresses and extensions have 2048 octets. */
export const maxHeaderBytes = 16 + 2048

/** Parses the header at the start of these bytes. More bytes change the result only if it is `incomplete`. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (beginsLike(bytes, line)) return readLine(bytes)
  if (beginsLike(bytes, signature)) return readBinary(bytes)
  return malformed
}

const line = Buffer.from('PROXY ')
const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n')

/** Bytes of the longest header of version 1, CRLF included. */
const maxLineBytes = 107

const incomplete: ProxyHeader = { type: 'incomplete' }
const malformed: ProxyHeader = { type: 'malformed' }

/** True if the bytes begin with `start`, or are a beginning of it. */
function beginsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}

/** Version 1. Addresses of an UNKNOWN client are ignored, even invalid ones. */
function readLine(bytes: Buffer): ProxyHeader {
  const newline = bytes.subarray(0, maxLineBytes).indexOf('\n')
  if (newline < 0) return bytes.length < maxLineBytes ? incomplete : malformed
  const length = newline + 1
  const text = bytes.toString('latin1', 0, length)
  if (/^PROXY UNKNOWN(?: [^\r]*)?\r\n$/.test(text)) return complete(length, undefined)
  const [, family, source = '', destination = '', ...ports] =
    /^PROXY TCP([46]) (\S+) (\S+) (\d+) (\d+)\r\n$/.exec(text) ?? []
  const valid = [source, destination].every(address => isAddress(address, Number(family)))
  return valid && ports.every(isPort) ? complete(length, source) : malformed
}

function isAddress(text: string, family: number): boolean {
  return isIP(text) === family && !text.includes('%')
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

/** Octets of the addresses and ports of each family in version 2: unspecified, IPv4, IPv6, Unix. */
const addressBytes = [0, 12, 36, 216]

/** Version 2: the signature, then version and command, family and transport, and the length of what follows. */
function readBinary(bytes: Buffer): ProxyHeader {
  if (bytes.length < 16) return incomplete
  const [command, kind, length] = [bytes[12]!, bytes[13]!, 16 + bytes.readUInt16BE(14)]
  if ((command !== local && command !== proxied) || length > maxHeaderBytes) return malformed
  if (command === proxied) {
    const addressLength = addressBytes[kind >> 4]
    if (addressLength === undefined || (kind & 0xf) > 2 || length < 16 + addressLength) return malformed
  }
  if (bytes.length < length) return incomplete
  return command === local ? complete(length, undefined, true) : complete(length, readSource(kind, bytes))
}

/** Version 2 in the upper four bits, and the command: LOCAL or PROXY. */
const [local, proxied] = [0x20, 0x21]

/** The source address of a TCP connection; `undefined` for other kinds. */
function readSource(kind: number, bytes: Buffer): string | undefined {
  if (kind === 0x11) return bytes.subarray(16, 20).join('.')
  if (kind === 0x21) return bytes.toString('hex', 16, 32).match(/..../g)!.join(':')
  return undefined
}

function complete(bytes: number, source: string | undefined, local = false): ProxyHeader {
  return { type: 'complete', bytes, source: source === undefined ? undefined : canonical(source), local }
}

/** The canonical text of an address, because addresses are compared, counted and logged as text. */
function canonical(address: string): string {
  if (!address.includes(':')) return address
  return normalizeAddress(new SocketAddress({ address, family: 'ipv6' }).address)
}
