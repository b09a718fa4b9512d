import { isIP } from 'node:net'

/**
 * Client addresses that are allowed: single ones and blocks (CIDR), IPv4 and IPv6.
 *
 * An IPv4 address mapped into IPv6 (RFC 4291 section 2.5.5.2) is that IPv4 address, in the list as well as when asked
 * for; a block of IPv6 holds no IPv4 address, so `::/0` is not "everybody". That is where `BlockList` of node:net
 * differs, which would let all of IPv4 in.
 */
export class AddressList {
  readonly #text: string
  readonly #blocks: readonly Block[]

  /**
   * Reads entries between commas, white space or both: `127.0.0.1, 10.0.0.0/8, ::1, 2001:db8::/32`. An entry that is
   * empty is passed over. Throws an Error that says which entry is wrong and why.
   *
   * A block with bits behind its mask (`10.0.0.5/8`) is an error: one address may be meant, or sixteen million.
   */
  constructor(text: string) {
    const entries = text.split(/[\s,]+/).filter(entry => entry !== '')
    if (entries.length === 0) throw new Error('no address in it')
    this.#text = entries.join(', ')
    this.#blocks = entries.map(readBlock)
  }

  /** Is the address in the list? What is no IP address is not. */
  has(address: string): boolean {
    const found = readAddress(address)
    return (
      found !== undefined &&
      this.#blocks.some(({ bits, spare, prefix }) => bits === found.bits && found.number >> spare === prefix)
    )
  }

  /** The entries as they were given, between commas. */
  toString(): string {
    return this.#text
  }
}

interface Address {
  readonly bits: 32 | 128
  readonly number: bigint
}

/** All addresses of `bits` bits that are `prefix` once their `spare` last bits are cut off. */
interface Block {
  readonly bits: 32 | 128
  readonly spare: bigint
  readonly prefix: bigint
}

function readBlock(entry: string): Block {
  const wrong = (why: string) => new Error(`${JSON.stringify(entry)} ${why}`)
  const slash = entry.indexOf('/')
  const address = slash < 0 ? entry : entry.slice(0, slash)
  const mask = slash < 0 ? undefined : entry.slice(slash + 1)
  if (address.includes('%')) throw wrong('has a zone: give the address without it')
  const found = readAddress(address)
  if (found === undefined) throw wrong('is neither an IP address nor a block of them such as 10.0.0.0/8')

  const written = isIP(address) === 6 ? 128 : 32
  const length = mask === undefined ? written : /^\d{1,3}$/.test(mask) ? Number(mask) : Number.NaN
  if (!(length <= written)) throw wrong(`has no prefix length from 0 to ${written} behind the slash`)
  const mapped = written - found.bits
  if (length < mapped) throw wrong('is partly IPv4 and partly IPv6: give two blocks')

  const spare = BigInt(written - length)
  const prefix = found.number >> spare
  if (prefix << spare !== found.number) {
    const first = formatAddress({ bits: found.bits, number: prefix << spare })
    throw wrong(`has bits behind its mask: write ${first}/${length - mapped} for the block, or no mask`)
  }
  return { bits: found.bits, spare, prefix }
}

function readAddress(text: string): Address | undefined {
  const version = text.includes('%') ? 0 : isIP(text)
  if (version === 0) return undefined
  if (version === 4) return { bits: 32, number: join(text.split('.').map(Number), 8n) }

  // The last four bytes may be written as an IPv4 address.
  const hex = text.replace(/[\d.]*\.[\d.]*$/, tail => {
    const number = join(tail.split('.').map(Number), 8n)
    return `${(number >> 16n).toString(16)}:${(number & 0xffffn).toString(16)}`
  })
  const [head = [], tail = []] = hex.split('::').map(half => (half === '' ? [] : half.split(':')))
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  const groups = [...head, ...zeros, ...tail].map(group => Number.parseInt(group, 16))
  const number = join(groups, 16n)
  return number >> 32n === 0xffffn ? { bits: 32, number: number & 0xffffffffn } : { bits: 128, number }
}

function join(parts: readonly number[], width: bigint): bigint {
  return parts.reduce((number, part) => (number << width) | BigInt(part), 0n)
}

function formatAddress({ bits, number }: Address): string {
  const width = bits === 32 ? 8n : 16n
  const parts: bigint[] = []
  for (let at = BigInt(bits); at > 0n; at -= width)
    parts.push((number >> (at - width)) & ((1n << width) - 1n))
  if (bits === 32) return parts.join('.')
  // The host part is zero and comes last; written out it is right, if not short.
  const groups = parts.map(part => part.toString(16)).join(':')
  return groups.replace(/(?:(?:^|:)0)+$/, '::')
}
