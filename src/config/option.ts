import { groups } from './options.ts'
import type { Option, ValueType } from './value-type.ts'

type Groups = typeof groups

type Rows = {
  readonly [N in { [G in keyof Groups]: keyof Groups[G] }[keyof Groups]]: Extract<
    Groups[keyof Groups],
    Readonly<Record<N, unknown>>
  >[N]
}

/** The long name of an option. */
export type Name = keyof Rows

/**
 * The value of every option by its long name; `undefined` if none was given and the option has no default.
 */
export type Values = {
  readonly [N in Name]: Rows[N] extends { type: ValueType<infer T> }
    ? Rows[N] extends { defaultValue: string }
      ? T
      : T | undefined
    : never
}

const options = Object.assign({}, ...Object.values(groups)) as Readonly<Record<Name, Option>>

/** The long names, in the order of the table. */
export const names = Object.keys(options) as readonly Name[]

/** The headings of the help, each with the long names of its options, in the order of the table. */
export const headings = Object.entries(groups).map(
  ([heading, rows]) => [heading, Object.keys(rows) as readonly Name[]] as const,
)

/** The entry of an option in the table. */
export function optionOf(name: Name): Option {
  return options[name]
}

/** The prefix of the environment variable of every option. */
export const prefix = 'SMTP_RELAY_'

/** The environment variable of an option, for example `SMTP_RELAY_MAX_SIZE`; `undefined` for an action. */
export function variableOf(name: Name): string | undefined {
  if (optionOf(name).type.argument === 'none') return undefined
  return `${prefix}${name.toUpperCase().replaceAll('-', '_')}`
}

/** An option as messages name it: `-s/--require-starttls`. */
export function flagNames(name: Name): string {
  const { short } = optionOf(name)
  return `${short === undefined ? '' : `-${short}/`}--${name}`
}

/**
 * Variables that are read from the environment only, because every user of the machine can see a command
 * line.
 */
export const secretVariables = {
  BCRYPT_HASH: 'bcrypt hash of the password of --user, for AUTH LOGIN and PLAIN',
  PASSWORD: 'Password of --user, for AUTH CRAM-MD5; without BCRYPT_HASH also for LOGIN and PLAIN',
  TLS_KEY_PASS: 'Passphrase of the TLS key file',
} as const
