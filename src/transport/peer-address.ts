import type { Socket } from 'node:net'

/** The address at the other end of the socket; empty where that is gone already. */
export function peerAddress({ remoteAddress = '' }: Socket): string {
  return normalizeAddress(remoteAddress)
}

/** An address as IPv4 where it is one in disguise (RFC 4291 section 2.5.5.2), and without a zone. */
export function normalizeAddress(address: string): string {
  const zone = address.indexOf('%')
  const plain = zone < 0 ? address : address.slice(0, zone)
  return plain.startsWith('::ffff:') && plain.includes('.') ? plain.slice('::ffff:'.length) : plain
}

/**
 * Whom an address belongs to: of IPv4 each to somebody, of IPv6 all of one /64, because a single machine has as many
 * of them as it likes. IPv6 may be in any form of RFC 4291 section 2.2.
 */
export function rateLimitKey(address: string): string {
  if (!address.includes(':')) return address
  const [head = [], tail = []] = address.split('::').map(groupsOf)
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  const groups = [...head, ...zeros, ...tail].slice(0, 4)
  return `${groups.map(group => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

/** The last two may be written as an IPv4 address. They belong to no network's name, so that only their number counts. */
function groupsOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/[\d.]*\.[\d.]*$/, '0:0').split(':')
}
