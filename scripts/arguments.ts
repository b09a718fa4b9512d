import { type ParseArgsConfig, parseArgs } from 'node:util'
import { escapeForTerminal } from '../src/support/escape.ts'

/** As `node:util` has them. */
type Options = NonNullable<ParseArgsConfig['options']>
/** What was given for the options, or their defaults. */
export type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values']

/**
 * Reads the arguments of a script of this repository. `--help` shows how it is used and ends with 0; what is wrong is
 * said, and it ends with 2.
 * @param read makes of the values what the script wants, or throws an Error with a sentence
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

/** A number above 0. @throws Error that says so */
export function amount(name: string, text: string): number {
  const number = Number(text)
  if (number > 0) return number
  throw new Error(`--${name} ${text}: not a number above 0`)
}

/** A whole number from `least` on. @throws Error that says so */
export function whole(name: string, text: string, least: number): number {
  const number = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(number) && number >= least) return number
  throw new Error(`--${name} ${text}: not a whole number from ${least} on`)
}
