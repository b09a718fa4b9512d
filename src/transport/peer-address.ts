import type { Socket } from 'node:net'

/** The client's address: as IPv4 where it is one in disguise (RFC 4291 section 2.5.5.2), and without a zone. */
export function peerAddress({ remoteAddress = '' }: Socket): string {
  const zone = remoteAddress.indexOf('%')
  const plain = zone < 0 ? remoteAddress : remoteAddress.slice(0, zone)
  return plain.startsWith('::ffff:') && plain.includes('.') ? plain.slice('::ffff:'.length) : plain
}
