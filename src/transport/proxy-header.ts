import { isIP, SocketAddress } from 'node:net'
import { normalizeAddress } from './peer-address.ts'

/** What the bytes say that a load balancer sends first: a header of the PROXY protocol, version 1 or 2. */
export type ProxyHeader =
  /** The end is still to come. Never said of `maxReceivedBytes` or more. */
  | { readonly type: 'incomplete' }
  | { readonly type: 'malformed' }
  | {
      readonly type: 'complete'
      /** How many of the bytes are the header; what follows is the client's. */
      readonly bytes: number
      /** The client's address; `undefined` where the balancer does not know it, or has no client. */
      readonly source: string | undefined
      /** There is no client: the balancer itself looks whether the server lives (LOCAL, in version 2). */
      readonly local: boolean
    }

/** The longest header that is read: one of version 2 whose addresses and extensions have 2048 octets. */
export const mostHeaderBytes = 16 + 2048

/** Reads the header that these bytes begin with. More bytes never change an answer other than `incomplete`. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (beginsLike(bytes, line)) return readLine(bytes)
  if (beginsLike(bytes, signature)) return readBinary(bytes)
  return malformed
}

const line = Buffer.from('PROXY ')
const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n')

/** The longest line that version 1 knows, CRLF included. */
const mostLineBytes = 107

const incomplete: ProxyHeader = { type: 'incomplete' }
const malformed: ProxyHeader = { type: 'malformed' }

/** The bytes are the start or have it, as far as they go. */
function beginsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}

/** Version 1. What is said of an UNKNOWN client is passed over, whatever it is. */
function readLine(bytes: Buffer): ProxyHeader {
  const newline = bytes.subarray(0, mostLineBytes).indexOf('\n')
  if (newline < 0) return bytes.length < mostLineBytes ? incomplete : malformed
  const length = newline + 1
  const text = bytes.toString('latin1', 0, length)
  if (/^PROXY UNKNOWN(?: [^\r]*)?\r\n$/.test(text)) return complete(length, undefined)
  const [, family, source = '', destination = '', ...ports] =
    /^PROXY TCP([46]) (\S+) (\S+) (\d+) (\d+)\r\n$/.exec(text) ?? []
  const right = [source, destination].every(address => isAddress(address, Number(family)))
  return right && ports.every(isPort) ? complete(length, source) : malformed
}

function isAddress(text: string, family: number): boolean {
  return isIP(text) === family && !text.includes('%')
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

/** Octets that both addresses and ports of each family have in version 2: none, IPv4, IPv6, Unix. */
const addressBytes = [0, 12, 36, 216]

/** Version 2: the signature, then version and command, family and transport, and the length of what follows. */
function readBinary(bytes: Buffer): ProxyHeader {
  if (bytes.length < 16) return incomplete
  const [command, kind, length] = [bytes[12]!, bytes[13]!, 16 + bytes.readUInt16BE(14)]
  if ((command !== local && command !== proxied) || length > mostHeaderBytes) return malformed
  if (command === proxied) {
    const least = addressBytes[kind >> 4]
    if (least === undefined || (kind & 0xf) > 2 || length < 16 + least) return malformed
  }
  if (bytes.length < length) return incomplete
  return command === local ? complete(length, undefined, true) : complete(length, readSource(kind, bytes))
}

/** Version 2 in the upper half, and whether there is a client. */
const [local, proxied] = [0x20, 0x21]

/** The source of a TCP connection; other kinds have none that means anything here. */
function readSource(kind: number, bytes: Buffer): string | undefined {
  if (kind === 0x11) return bytes.subarray(16, 20).join('.')
  if (kind === 0x21) return bytes.toString('hex', 16, 32).match(/..../g)!.join(':')
  return undefined
}

function complete(bytes: number, source: string | undefined, local = false): ProxyHeader {
  return { type: 'complete', bytes, source: source === undefined ? undefined : canonical(source), local }
}

/** One text for one address: it is compared, counted and logged. */
function canonical(address: string): string {
  if (!address.includes(':')) return address
  return normalizeAddress(new SocketAddress({ address, family: 'ipv6' }).address)
}
