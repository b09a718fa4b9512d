import { type ParseArgsConfig, parseArgs } from 'node:util'
import { escapeForTerminal } from '../src/support/escape.ts'

/** The options of `parseArgs` in `node:util`. */
type Options = NonNullable<ParseArgsConfig['options']>
/** The values of the options, or their defaults. */
export type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values']

/**
 * Parses the arguments of a script of this repository. Prints the usage and exits with status 0 for `--help`. Prints an
 * error and exits with status 2 for invalid arguments.
 *
 * @param read converts the values for the script, or throws an Error for users
 */
export function readArguments<O extends Options, T>(
  usage: string,
  options: O,
  read: (values: Values<O>) => T,
): T {
  try {
    const { help, ...values } = parseArgs({ options: { ...options, help: { type: 'boolean' } } })
      .values as Values<O> & { help?: boolean }
    if (help) {
      process.stdout.write(usage)
      process.exit(0)
    }
    return read(values as Values<O>)
  } catch (error) {
    process.stderr.write(`${escapeForTerminal((error as Error).message)}\n\n${usage}`)
    process.exit(2)
  }
}

/** Parses a number above 0. @throws Error if it is not one */
export function amount(name: string, text: string): number {
  const number = Number(text)
  if (number > 0) return number
  throw new Error(`--${name} ${text}: must be a number above 0`)
}

/** Parses a whole number of at least `min`. @throws Error if it is not one */
export function whole(name: string, text: string, min: number): number {
  const number = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(number) && number >= min) return number
  throw new Error(`--${name} ${text}: must be a whole number of at least ${min}`)
}
