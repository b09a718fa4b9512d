import { parseArgs } from 'node:util'
import type { ToolCommand } from './commands.ts'

/** A parsed command line. */
export interface Arguments {
  /** The values of each option that was given, in order. An option without a value has `''`. */
  readonly values: ReadonlyMap<string, readonly string[]>
  readonly operands: readonly string[]
}

/** A mistake in the command line, as one sentence. The program prints it and exits with status 2. */
export class UsageError extends Error {}

/**
 * Parses the arguments that follow a command's name.
 *
 * @throws UsageError if an option is unknown or its value is missing, or the number of operands is wrong
 */
export function readArguments(command: ToolCommand, args: readonly string[]): Arguments {
  const options = Object.fromEntries(
    command.options.map(({ name, value }) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  )
  // Not strict: the errors of `parseArgs` do not name the command or the value that is missing.
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const values = new Map<string, string[]>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const option = command.options.find(({ name }) => token.rawName === `--${name}`)
    if (option === undefined) throw new UsageError(`${command.name} has no option ${token.rawName}`)
    const { name, value } = option
    if (value === undefined && token.value !== undefined) throw new UsageError(`--${name} takes no value`)
    if (value !== undefined && !token.value) throw new UsageError(`--${name} ${value} is missing`)
    values.set(name, [...(values.get(name) ?? []), token.value ?? ''])
  }
  const [min, max] = command.operandCount
  if (positionals.length < min || positionals.length > max)
    throw new UsageError(`${command.name} takes ${command.operands || 'no operands'}`)
  return { values, operands: positionals }
}

/** Returns the last value of an option, or undefined if the option was not given. */
export function lastValue({ values }: Arguments, name: string): string | undefined {
  return values.get(name)?.at(-1)
}

/** Returns the value of an option as a whole number of at least 1. @throws UsageError if it is not one */
export function readCount(args: Arguments, name: string, defaultValue: number): number {
  const text = lastValue(args, name) ?? String(defaultValue)
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new UsageError(`--${name} must be a number of at least 1, not ${text}`)
  return Number(text)
}

/** Returns the value of an option in seconds as milliseconds. @throws UsageError if it is no number of seconds */
export function readDurationMs(args: Arguments, name: string, defaultMs: number): number {
  const text = lastValue(args, name)
  if (text === undefined) return defaultMs
  const ms = Math.round(Number(text) * 1000)
  if (!/^\d{1,4}(\.\d{1,3})?$/.test(text) || ms === 0)
    throw new UsageError(`--${name} must be a number of seconds, not ${text}`)
  return ms
}

/** Returns the value of an option as an address: `HOST:PORT`, IPv6 in brackets. @throws UsageError if it is not one */
export function readAddress(args: Arguments, name: string): { readonly host: string; readonly port: number } {
  const text = lastValue(args, name)
  if (text === undefined) throw new UsageError(`--${name} HOST:PORT is missing`)
  const [, bracketed, plain, digits] = /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || port > 65_535) throw new UsageError(`--${name} must be HOST:PORT, not ${text}`)
  return { host, port }
}
