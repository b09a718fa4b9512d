import { isIP } from 'node:net'

/**
 * A list of IP addresses and blocks (CIDR), IPv4 and IPv6.
 *
 * An IPv4 address that is mapped into IPv6 (RFC 4291 section 2.5.5.2) counts as that IPv4 address, both in the list and in
 * `has`. A block of IPv6 contains no IPv4 address, so `::/0` does not match IPv4 clients. `BlockList` of node:net differs:
 * there `::/0` matches all of IPv4.
 */
export class AddressList {
  readonly #text: string
  readonly #blocks: readonly Block[]

  /**
   * Parses entries that are separated by commas, white space or both: `127.0.0.1, 10.0.0.0/8, ::1, 2001:db8::/32`. Empty
   * entries are ignored.
   *
   * A block with bits set after its prefix (`10.0.0.5/8`) is an error: it could mean one address or sixteen million.
   * @throws Error that says which entry is wrong and why, or that there is no entry
   */
  constructor(text: string) {
    const entries = text.split(/[\s,]+/).filter(entry => entry !== '')
    if (entries.length === 0) throw new Error('contains no address')
    this.#text = entries.join(', ')
    this.#blocks = entries.map(readBlock)
  }

  /** Returns true if the address is in the list. Returns false for text that is not an IP address. */
  has(address: string): boolean {
    const found = readAddress(address)
    return (
      found !== undefined &&
      this.#blocks.some(
        ({ bits, hostBits, prefix }) => bits === found.bits && found.number >> hostBits === prefix,
      )
    )
  }

  /** Returns the entries as they were given, separated by commas. */
  toString(): string {
    return this.#text
  }
}

interface Address {
  readonly bits: 32 | 128
  readonly number: bigint
}

/** The addresses of `bits` bits that equal `prefix` after a shift right by `hostBits`. */
interface Block {
  readonly bits: 32 | 128
  readonly hostBits: bigint
  readonly prefix: bigint
}

function readBlock(entry: string): Block {
  const invalid = (why: string) => new Error(`${JSON.stringify(entry)} ${why}`)
  const slash = entry.indexOf('/')
  const address = slash < 0 ? entry : entry.slice(0, slash)
  const prefixLength = slash < 0 ? undefined : entry.slice(slash + 1)
  if (address.includes('%')) throw invalid('has a zone: write the address without it')
  const found = readAddress(address)
  if (found === undefined) throw invalid('is neither an IP address nor a block such as 10.0.0.0/8')

  const addressBits = isIP(address) === 6 ? 128 : 32
  const length =
    prefixLength === undefined
      ? addressBits
      : /^\d{1,3}$/.test(prefixLength)
        ? Number(prefixLength)
        : Number.NaN
  if (!(length <= addressBits))
    throw invalid(`needs a prefix length from 0 to ${addressBits} after the slash`)
  const mapped = addressBits - found.bits
  if (length < mapped) throw invalid('is partly IPv4 and partly IPv6: write two blocks')

  const hostBits = BigInt(addressBits - length)
  const prefix = found.number >> hostBits
  if (prefix << hostBits !== found.number) {
    const first = formatAddress({ bits: found.bits, number: prefix << hostBits })
    throw invalid(
      `has bits set after its prefix: write ${first}/${length - mapped} for the block, or leave out the prefix length`,
    )
  }
  return { bits: found.bits, hostBits, prefix }
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
  for (let bit = BigInt(bits); bit > 0n; bit -= width)
    parts.push((number >> (bit - width)) & ((1n << width) - 1n))
  if (bits === 32) return parts.join('.')
  // The host part is zero and at the end. Zeros elsewhere are written out, which is valid but not the shortest form.
  const groups = parts.map(part => part.toString(16)).join(':')
  return groups.replace(/(?:(?:^|:)0)+$/, '::')
}
