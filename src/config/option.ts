import { groups } from './options.ts'
import type { ValueType } from './value-type.ts'

/** One option. Its long name is its key in the table; its environment variable is made of that name. */
export interface Option<T = unknown> {
  readonly short?: string
  readonly type: ValueType<T>
  /** The word for the value in the help. */
  readonly value?: string
  /** What an option that is not given stands for, as a user would write it. */
  readonly defaultValue?: string
  /** Where that depends: the same in words. */
  readonly defaultText?: string
  readonly help: string
}

type Groups = typeof groups

type Rows = {
  readonly [N in { [G in keyof Groups]: keyof Groups[G] }[keyof Groups]]: Extract<
    Groups[keyof Groups],
    Readonly<Record<N, unknown>>
  >[N]
}

/** The long name of an option. */
export type Name = keyof Rows

/** The value of every option by its long name; `undefined` where none was given and the table knows none. */
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

/** The row of an option. */
export function optionOf(name: Name): Option {
  return options[name]
}

/** What the variable of every option begins with. */
export const prefix = 'SMTP_RELAY_'

/** The environment variable of an option, for example `SMTP_RELAY_MAX_SIZE`; an action has none. */
export function variableOf(name: Name): string | undefined {
  if (optionOf(name).type.type === 'action') return undefined
  return `${prefix}${name.toUpperCase().replaceAll('-', '_')}`
}

/** An option as sentences name it: `-s/--require-starttls`. */
export function flagNames(name: Name): string {
  const { short } = optionOf(name)
  return `${short === undefined ? '' : `-${short}/`}--${name}`
}

/** What is read from the environment only, because a command line can be seen by everybody on the machine. */
export const secretVariables = {
  BCRYPT_HASH: 'bcrypt hash of the password of the user, for LOGIN and PLAIN',
  PASSWORD: 'password of the user, for CRAM-MD5, and without BCRYPT_HASH for LOGIN and PLAIN',
  TLS_KEY_PASS: 'passphrase of the TLS key file',
} as const
