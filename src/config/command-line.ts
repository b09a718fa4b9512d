import { createRequire } from 'node:module'
import type minimist from 'minimist'
import { type Name, names, optionOf } from './option.ts'
import { type GivenValues, parseText } from './resolve.ts'
import type { Option, ParseResult } from './value-type.ts'

/** The values on a command line, or the action that it asks for, or why it cannot be read (exit code 2). */
export type CommandLine =
  | { readonly type: 'values'; readonly values: GivenValues }
  | { readonly type: 'help' | 'version' }
  | { readonly type: 'usage'; readonly message: string }

/**
 * Reads a command line by the rules of Go's flag package, with its error messages: one dash or two; `-x v` or
 * `-x=v`; a value may begin with a dash; a boolean takes a value after `=` only; letters cannot be combined;
 * of an option that is repeated, the last value counts. One rule differs. Go silently ignores everything from
 * the first argument that is not an option, so that `-s false -t` would listen without the `-t`; here such an
 * argument is an error.
 *
 * `readFlags` applies Go's syntax, minimist collects what each option was given under its two names, and each
 * text is read once.
 */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const { flags, end } = readFlags(argv)
  const texts = loadMinimist()(
    flags.map(({ flag, text }) => `--${flag}=${text}`),
    { string: [...names], alias },
  ) as Readonly<Record<string, string | readonly string[] | undefined>>

  const values = new Map<Name, ParseResult<unknown>>()
  for (const name of names) {
    for (const text of [texts[name] ?? []].flat()) {
      const result = parseText(name, text)
      if (result.type === 'invalid') return usage(invalidFlagMessage(name, text, flags, result.message))
      values.set(name, result)
    }
  }
  return end ?? { type: 'values', values }
}

/** One option as it was written: `flag` without dashes. */
interface Flag {
  readonly flag: string
  readonly text: string
}

/**
 * Reads flags up to the first action or error, which is `end`. Go obeys or reports it after what precedes it.
 */
function readFlags(argv: readonly string[]): { readonly flags: readonly Flag[]; readonly end?: CommandLine } {
  const flags: Flag[] = []
  for (let i = 0; i < argv.length; ) {
    const argument = argv[i++] as string
    if (argument === '--') {
      const next = argv[i]
      return next === undefined ? { flags } : { flags, end: usage(`unexpected argument: ${next}`) }
    }
    if (argument.length < 2 || !argument.startsWith('-')) {
      return { flags, end: usage(`unexpected argument: ${argument}`) }
    }
    const [, flag, value] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(argument) ?? []
    if (flag === undefined) return { flags, end: usage(`bad flag syntax: ${argument}`) }
    if (flag === 'help' || flag === 'version') return { flags, end: { type: flag } }

    const option = optionByFlag.get(flag)
    if (option === undefined) return { flags, end: usage(`flag provided but not defined: -${flag}`) }
    const text = value ?? (option.type.argument === 'optional' ? 'true' : argv[i++])
    if (text === undefined) return { flags, end: usage(`flag needs an argument: -${flag}`) }
    flags.push({ flag, text })
  }
  return { flags }
}

function invalidFlagMessage(name: Name, text: string, flags: readonly Flag[], message: string): string {
  const { short, type } = optionOf(name)
  const written = flags.find(entry => entry.text === text && [name, short].includes(entry.flag))!
  const quoted = JSON.stringify(text)
  return type.argument === 'optional'
    ? `invalid boolean value ${quoted} for -${written.flag}: ${message}`
    : `invalid value ${quoted} for flag -${written.flag}: ${message}`
}

/** The options that have a short name, long name to short name. */
const alias = Object.fromEntries(
  names.flatMap(name => {
    const { short } = optionOf(name)
    return short === undefined ? [] : [[name, short] as const]
  }),
)

const optionByFlag: ReadonlyMap<string, Option> = new Map(
  names.flatMap(name => {
    const option = optionOf(name)
    return [name, ...(option.short === undefined ? [] : [option.short])].map(flag => [flag, option] as const)
  }),
)

/** Loads minimist when a command line is read, so that `createServer` works where it is not installed. */
function loadMinimist(): typeof minimist {
  return createRequire(import.meta.url)('minimist') as typeof minimist
}

function usage(message: string): CommandLine {
  return { type: 'usage', message }
}
