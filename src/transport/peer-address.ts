import type { Socket } from 'node:net'

/** Address of the socket's peer; empty if it has disconnected. */
export function peerAddress({ remoteAddress = '' }: Socket): string {
  return normalizeAddress(remoteAddress)
}

/** Removes the zone, and writes an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) as IPv4. */
export function normalizeAddress(address: string): string {
  const zone = address.indexOf('%')
  const plain = zone < 0 ? address : address.slice(0, zone)
  return plain.startsWith('::ffff:') && plain.includes('.') ? plain.slice('::ffff:'.length) : plain
}

/**
 * Key for limits per client: an IPv4 address itself, an IPv6 address's /64, because one machine may use all addresses
 * of a /64.
 * @param address normalized; IPv6 in any form of RFC 4291 section 2.2
 */
export function rateLimitKey(address: string): string {
  if (!address.includes(':')) return address
  const [head = [], tail = []] = address.split('::').map(groupsOf)
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  const groups = [...head, ...zeros, ...tail].slice(0, 4)
  return `${groups.map(group => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

/**
 * Groups of hexadecimal digits. An IPv4 address at the end becomes two zeros: only the number of groups matters
 * there.
 */
function groupsOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/[\d.]*\.[\d.]*$/, '0:0').split(':')
}
