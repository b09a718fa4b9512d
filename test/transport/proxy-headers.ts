/** A header of version 1 with these words behind PROXY. */
export const lineHeader = (words: string): Buffer => Buffer.from(`PROXY ${words}\r\n`, 'latin1')

/** The line of a client at this address. */
export const lineOf = (address: string): Buffer =>
  address.includes(':')
    ? lineHeader(`TCP6 ${address} 2001:db8::25 40000 25`)
    : lineHeader(`TCP4 ${address} 192.0.2.25 40000 25`)

const signature = '0d0a0d0a000d0a515549540a'

/**
 * A header of version 2.
 * @param start its 13th and 14th byte in hex: version and command, family and transport
 * @param rest the addresses and what follows them, in hex
 * @param announced their length, if it is told wrongly
 */
export function binaryHeader(start: string, rest = '', announced = rest.length / 2): Buffer {
  return Buffer.from(`${signature}${start}${announced.toString(16).padStart(4, '0')}${rest}`, 'hex')
}

/** Addresses and ports of a client at 192.0.2.7. */
export const addresses4 = 'c0000207c00002199c400019'
/** Addresses and ports of a client at 2001:db8::7. */
export const addresses6 = '20010db800000000000000000000000720010db80000000000000000000000199c400019'
/** 192.0.2.7 as an address of IPv6. */
export const addressesMapped = '00000000000000000000ffffc000020720010db80000000000000000000000199c400019'
/** What a balancer adds: the name of its endpoint at Amazon, as the NLB sends it. */
export const extension = `ea0003${Buffer.from('\x01vp').toString('hex')}`

/** A health check of the balancer's own. */
export const healthCheck: Buffer = binaryHeader('2000')
