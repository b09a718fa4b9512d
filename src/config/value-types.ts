import { AddressList } from '../auth/index.ts'
import { conflicting, invalid, type ParseResult, type ValueType, value } from './value-type.ts'

/** An address to listen on. */
export interface ListenAddress {
  /** A name or an IP address without brackets; `undefined`: all interfaces, IPv6 and IPv4. */
  readonly host: string | undefined
  /** 0: any that is free. */
  readonly port: number
  /** TLS from the first byte on, instead of STARTTLS. */
  readonly implicitTls: boolean
}

/** `--help` and `--version`. */
export const action: ValueType<boolean> = { type: 'action', parse: () => value(true) }

/** The words that Go's flag package takes for true and false. */
export const boolean: ValueType<boolean> = {
  type: 'boolean',
  parse(text) {
    if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return value(true)
    if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return value(false)
    return invalid('parse error')
  },
}

/** Any text, for example the path of a file. No value has a use for control characters. */
export const text: ValueType<string> = {
  type: 'text',
  parse: text => (/\p{Cc}/u.test(text) ? invalid('control characters are not possible') : value(text)),
}

/** A domain, or an address literal such as `[192.0.2.1]`: it opens the greeting, so it is one word of ASCII. */
export const hostname: ValueType<string> = {
  type: 'text',
  parse: text =>
    /^(?!-)[!-~]{1,255}$/.test(text) ? value(text) : invalid('not a domain or an address literal'),
}

/** One of the words. */
export function choice<const W extends string>(words: readonly W[]): ValueType<W> {
  return {
    type: 'text',
    parse(text) {
      const word = words.find(word => word === text)
      return word === undefined ? invalid(`must be ${words.join(' or ')}`) : value(word)
    },
  }
}

/** One of the relays; anything else is refused in the words of the Go program. */
export function relay<const W extends string>(names: readonly W[]): ValueType<W> {
  return {
    type: 'text',
    parse(text) {
      const name = names.find(name => name === text)
      return name === undefined ? conflicting(`Invalid relay API: ${text}`) : value(name)
    },
  }
}

/** A whole number of at least `least`. */
export function integer(least: number): ValueType<number> {
  return {
    type: 'text',
    parse(text) {
      const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
      return Number.isSafeInteger(number) && number >= least
        ? value(number)
        : invalid(`must be a whole number, at least ${least}`)
    },
  }
}

/** How many processes: a whole number up to `maxWorkers`, or `auto`. */
export const workers: ValueType<number | 'auto'> = {
  type: 'text',
  parse(text) {
    if (text === 'auto') return value(text)
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
    return number >= 1 && number <= maxWorkers
      ? value(number)
      : invalid(`must be a whole number from 1 to ${maxWorkers}, or auto`)
  },
}

/** A number of bytes, plain or in `KiB`, `MiB` or `GiB`. */
export const bytes: ValueType<number> = {
  type: 'text',
  parse(text) {
    const [, digits = '', unit = ''] = /^(\d+)(|KiB|MiB|GiB)$/.exec(text) ?? []
    const number = Number(digits) * 1024 ** ['', 'KiB', 'MiB', 'GiB'].indexOf(unit)
    return Number.isSafeInteger(number) && number > 0
      ? value(number)
      : invalid('must be a number of bytes, for example 10485760 or 10MiB')
  },
}

/** Seconds, with a fraction if need be, of at least `least`; the value is in milliseconds. */
export function seconds(least: number): ValueType<number> {
  return {
    type: 'text',
    parse(text) {
      const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
      return number >= least && number <= longestTimerSeconds
        ? value(Math.round(number * 1000))
        : invalid(`must be seconds, at least ${least}`)
    },
  }
}

/** Addresses to listen on, comma-separated. */
export const addresses: ValueType<readonly ListenAddress[]> = {
  type: 'text',
  parse(text) {
    const list: ListenAddress[] = []
    for (const part of text.split(',')) {
      const reading = readAddress(part.trim())
      if (reading.type !== 'value') return reading
      list.push(reading.value)
    }
    return value(list)
  },
}

/** Where an operator is served, who has no TLS there. */
export const adminAddress: ValueType<ListenAddress> = {
  type: 'text',
  parse: text => (text.startsWith('tls://') ? invalid('there is no TLS on this address') : readAddress(text)),
}

// The sentences are those of Go's net.Listen and net.SplitHostPort.
function readAddress(text: string): ParseResult<ListenAddress> {
  const implicitTls = text.startsWith('tls://')
  const address = implicitTls ? text.slice('tls://'.length) : text
  const wrong = (what: string) => conflicting(`listen tcp: address ${address}: ${what}`)

  const colon = address.lastIndexOf(':')
  if (colon < 0 || address.endsWith(']')) return wrong('missing port in address')
  let host = address.slice(0, colon)
  const port = address.slice(colon + 1)
  if (host.startsWith('[') && host.endsWith(']')) host = host.slice(1, -1)
  else if (host.includes(':')) return wrong('too many colons in address')
  if (/[^!-~]|[[\]/]/.test(host)) return wrong('invalid host')
  if (port === '') return wrong('missing port in address')
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return wrong('invalid port')
  return value({ host: host === '' ? undefined : host, port: Number(port), implicitTls })
}

/** Client addresses and blocks of them. */
export const addressList: ValueType<AddressList> = {
  type: 'text',
  parse(text) {
    try {
      return value(new AddressList(text))
    } catch (error) {
      return invalid((error as Error).message)
    }
  },
}

/** Each takes some 70 MB, whether it has something to do or not: more is a slip of the finger. */
export const maxWorkers = 64

// Beyond it Node's timers fire at once.
const longestTimerSeconds = 2_147_483
