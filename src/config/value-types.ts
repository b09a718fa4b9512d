import { AddressList } from '../auth/index.ts'
import { maxTimerMs } from '../transport/index.ts'
import { type ListenAddress, parseListenAddress } from './listen-address.ts'
import { error, invalid, textType, type ValueType, value } from './value-type.ts'

/** `--help` and `--version`. */
export const action: ValueType<boolean> = {
  argument: 'none',
  parse: () => value(true),
  check: () => value(true),
}

/** The words that Go's flag package accepts for true and false. */
export const boolean: ValueType<boolean> = {
  argument: 'optional',
  parse(text) {
    if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return value(true)
    if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return value(false)
    return invalid('parse error')
  },
  check: flag => (typeof flag === 'boolean' ? value(flag) : invalid('must be a boolean')),
}

/**
 * Any text, for example the path of a file. Control characters are rejected, because no option needs them.
 */
export const text: ValueType<string> = textType(text =>
  /\p{Cc}/u.test(text) ? invalid('must not contain control characters') : value(text),
)

/**
 * A domain, or an address literal such as `[192.0.2.1]`. It is one word of ASCII, because it begins the
 * greeting.
 */
export const hostname: ValueType<string> = textType(text =>
  /^(?!-)[!-~]{1,255}$/.test(text)
    ? value(text)
    : invalid('must be a domain or an address literal such as [192.0.2.1]'),
)

/** One of the words. */
export function choice<const W extends string>(words: readonly W[]): ValueType<W> {
  return textType(text => {
    const word = words.find(word => word === text)
    return word === undefined ? invalid(`must be ${listOf(words)}`) : value(word)
  })
}

/** The name of a backend. On the command line an unknown name is rejected in the words of the Go program. */
export function relay<const W extends string>(names: readonly W[]): ValueType<W> {
  const type = choice(names)
  return {
    ...type,
    parse(text) {
      const result = type.parse(text)
      return result.type === 'value' ? result : error(`Invalid relay API: ${text}`)
    },
  }
}

/** A whole number, at least `min`. */
export function integer(min: number): ValueType<number> {
  const message = `must be a whole number, at least ${min}`
  const check = (number: unknown) =>
    isWholeNumber(number) && number >= min ? value(number) : invalid(message)
  return { argument: 'required', parse: text => check(wholeNumber(text)), check }
}

/** A maximum: a whole number; 0, or `Infinity` in an object, means no limit. The value is then `Infinity`. */
export const limit: ValueType<number> = {
  argument: 'required',
  parse: text => limit.check(wholeNumber(text)),
  check: number =>
    number === 0 || number === Number.POSITIVE_INFINITY
      ? value(Number.POSITIVE_INFINITY)
      : integer(0).check(number),
}

/**
 * The maximum of `--workers`. Each worker takes some 70 MB, busy or not: a larger number is a typing error.
 */
export const maxWorkers = 64

/** A number of processes: a whole number up to `maxWorkers`, or `auto`. */
export const workers: ValueType<number | 'auto'> = {
  argument: 'required',
  parse: text => workers.check(text === 'auto' ? text : wholeNumber(text)),
  check: number =>
    number === 'auto' || (isWholeNumber(number) && number >= 1 && number <= maxWorkers)
      ? value(number)
      : invalid(`must be a whole number from 1 to ${maxWorkers}, or auto`),
}

/** A number of bytes, as a plain number or in `KiB`, `MiB` or `GiB`. The value is in bytes. */
export const bytes: ValueType<number> = {
  argument: 'required',
  parse(text) {
    const [, digits = '', unit = ''] = /^(\d+)(|KiB|MiB|GiB)$/.exec(text) ?? []
    const number = Number(digits) * 1024 ** ['', 'KiB', 'MiB', 'GiB'].indexOf(unit)
    const result = bytes.check(number)
    return result.type === 'value'
      ? result
      : invalid('must be a number of bytes, or of KiB, MiB or GiB, for example 10485760 or 10MiB')
  },
  check: number =>
    isWholeNumber(number) && number > 0
      ? value(number)
      : invalid('must be a whole number of bytes, at least 1'),
}

/**
 * A duration in seconds, at least `min`, with a fraction if needed. The value, and that of an object, is in
 * milliseconds.
 */
export function seconds(min: number): ValueType<number> {
  const [minMs, maxMs] = [min * 1000, maxTimerSeconds * 1000]
  const accepts = (ms: number) => ms >= minMs && ms <= maxMs
  return {
    argument: 'required',
    parse(text) {
      const ms = decimalNumber(text) * 1000
      return accepts(ms)
        ? value(Math.round(ms))
        : invalid(`must be a number of seconds from ${min} to ${maxTimerSeconds}`)
    },
    check: ms =>
      typeof ms === 'number' && accepts(ms)
        ? value(Math.round(ms))
        : invalid(`must be a number of milliseconds from ${minMs} to ${maxMs}`),
  }
}

/**
 * A number per second, with a fraction if needed, or `auto`. 0 means no limit; the value is then `undefined`.
 */
export const rate: ValueType<number | 'auto' | undefined> = {
  argument: 'required',
  parse: text => rate.check(text === 'auto' ? text : decimalNumber(text)),
  check(number) {
    if (number === 'auto') return value(number)
    return typeof number === 'number' && number >= 0 && number < 1e9
      ? value(number === 0 ? undefined : number)
      : invalid('must be a number, 0 for no limit, or auto')
  },
}

/** Addresses to listen on, comma-separated. */
export const listenAddresses: ValueType<readonly ListenAddress[]> = textType(text => {
  const addresses: ListenAddress[] = []
  for (const part of text.split(',')) {
    const result = parseListenAddress(part.trim())
    if (result.type !== 'value') return result
    addresses.push(result.value)
  }
  return value(addresses)
})

/** The address of the admin server, which has no TLS. */
export const adminAddress: ValueType<ListenAddress> = textType(text =>
  text.startsWith('tls://') ? invalid('TLS is not supported on this address') : parseListenAddress(text),
)

/** IP addresses and CIDR blocks. */
export const addressList: ValueType<AddressList> = {
  argument: 'required',
  parse(text) {
    try {
      return value(new AddressList(text))
    } catch (error) {
      return invalid((error as Error).message)
    }
  },
  check: list => (list instanceof AddressList ? value(list) : invalid('must be an AddressList')),
}

/** The longest time that a timer of Node.js can wait, in whole seconds. */
const maxTimerSeconds = Math.floor(maxTimerMs / 1000)

/** The number that digits stand for; NaN for any other text. */
function wholeNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}

/** The number that digits stand for, with a fraction or without; NaN for any other text. */
function decimalNumber(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
}

function isWholeNumber(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

/** `a`, `a or b`, `a, b or c`. */
function listOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')}${words.length > 1 ? ' or ' : ''}${words.at(-1)}`
}
