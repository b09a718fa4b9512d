import type { Command, Flag } from './table.ts'

/** A command line that was understood. */
export interface Arguments {
  /** The values of an option, in their order; `''` for one that has none. */
  readonly values: ReadonlyMap<string, readonly string[]>
  readonly operands: readonly string[]
}

/** What a user got wrong: one sentence. Ends the program with status 2. */
export class UsageError extends Error {}

/** Reads what stands behind a command's name. Throws a `UsageError`. */
export function readArguments(command: Command, words: readonly string[]): Arguments {
  const values = new Map<string, string[]>()
  const operands: string[] = []
  const rest = [...words]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') operands.push(...rest.splice(0))
    else if (!word.startsWith('-') || word === '-') operands.push(word)
    else {
      const flag = flagOf(command, word)
      values.set(flag.name, [...(values.get(flag.name) ?? []), takeValue(flag, word, rest)])
    }
  }
  const [least, most] = command.operandCount
  if (operands.length < least || operands.length > most)
    throw new UsageError(`${command.name} takes ${command.operands || 'no operands'}`)
  return { values, operands }
}

/** The last value of an option, or nothing where it was not given. */
export function lastOf({ values }: Arguments, name: string): string | undefined {
  return values.get(name)?.at(-1)
}

/** A whole number of at least 1. */
export function countOf(given: Arguments, name: string, otherwise: number): number {
  const text = lastOf(given, name) ?? String(otherwise)
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`--${name} is a number of at least 1, not ${text}`)
  return Number(text)
}

/** Seconds, perhaps with a fraction, as milliseconds. */
export function durationMsOf(given: Arguments, name: string, otherwiseMs: number): number {
  const text = lastOf(given, name)
  if (text === undefined) return otherwiseMs
  const ms = Math.round(Number(text) * 1000)
  if (!/^\d{1,4}(\.\d{1,3})?$/.test(text) || ms === 0)
    throw new UsageError(`--${name} is a number of seconds, not ${text}`)
  return ms
}

/** `HOST:PORT`, an IPv6 address in brackets. */
export function addressOf(given: Arguments, name: string): { readonly host: string; readonly port: number } {
  const text = lastOf(given, name)
  if (text === undefined) throw new UsageError(`--${name} HOST:PORT is missing`)
  const [, bracketed, plain, digits] = /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || port > 65_535) throw new UsageError(`--${name} is HOST:PORT, not ${text}`)
  return { host, port }
}

function flagOf(command: Command, word: string): Flag {
  const name = /^--([a-z-]+)(?:=|$)/.exec(word)?.[1]
  const flag = command.flags.find(flag => flag.name === name)
  if (flag === undefined) throw new UsageError(`${command.name} has no option ${word.replace(/=.*/s, '')}`)
  return flag
}

function takeValue(flag: Flag, word: string, rest: string[]): string {
  const equals = word.indexOf('=')
  if (flag.value === undefined) {
    if (equals !== -1) throw new UsageError(`--${flag.name} takes no value`)
    return ''
  }
  const value = equals === -1 ? rest.shift() : word.slice(equals + 1)
  if (value === undefined || value === '') throw new UsageError(`--${flag.name} ${flag.value} is missing`)
  return value
}
