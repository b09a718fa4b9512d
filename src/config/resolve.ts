import { type Name, names, optionOf, type Values } from './option.ts'
import { type Environment, resolveSettings, type Settings } from './settings.ts'
import { validate, warnings } from './validate.ts'
import type { InvalidValue } from './value-type.ts'

/** What was written for an option; where nothing was, or an empty text, its default counts. */
export interface RawValue {
  readonly text?: string | undefined
  /** Where it was written, for what is said about it; left out: behind the flag. */
  readonly origin?: string | undefined
}

/** What comes of reading all options. Messages are one line without a line end, and hold no secret. */
export type Resolved =
  /** Start with these settings; `check`: see only whether the program could; `healthcheck`: see only whether it has. */
  | {
      readonly type: 'settings'
      readonly settings: Settings
      readonly check: boolean
      readonly healthcheck: boolean
    }
  /** A text cannot be read: the message and the help on stderr, exit 2. */
  | { readonly type: 'usage'; readonly message: string }
  /** The settings cannot work, or not together: the message on stderr, exit 1. */
  | { readonly type: 'conflict'; readonly message: string }

/**
 * Makes settings of what was written for each option, wherever that was.
 * @param env where secrets are
 * @param ownTls there is TLS, although no option names a certificate
 */
export function readSettings(sourceOf: (name: Name) => RawValue, env: Environment, ownTls = false): Resolved {
  const values: Partial<Record<Name, unknown>> = {}
  let conflict: string | undefined
  for (const name of names) {
    const { text: written, origin } = sourceOf(name)
    const text = written || (optionOf(name).defaultValue ?? '')
    const reading = readText(name, text)
    if (reading?.type === 'value') values[name] = reading.value
    else if (reading?.type === 'usage') {
      return { type: 'usage', message: invalidValueMessage(name, text, origin ?? `-${name}`, reading) }
    } else if (reading?.type === 'conflict') {
      conflict ??= origin === undefined ? reading.message : `${reading.message} (${origin})`
    }
  }
  if (conflict !== undefined) return { type: 'conflict', message: conflict }

  const read = values as Values
  const settings = resolveSettings(read, env)
  conflict = validate({ ...settings, tls: ownTls || settings.tls }, read)
  if (conflict !== undefined) return { type: 'conflict', message: conflict }
  return {
    type: 'settings',
    settings: { ...settings, warnings: warnings(settings, read, env) },
    check: read.check,
    healthcheck: read.healthcheck,
  }
}

/** Reads the text of one option. An empty one stands for the default: then there is nothing to read. */
export function readText(name: Name, text: string) {
  const { type } = optionOf(name)
  return text === '' && type.type !== 'boolean' ? undefined : type.parse(text)
}

/** The sentence about a value that cannot be read; `source` is the flag or the variable that holds it. */
export function invalidValueMessage(
  name: Name,
  text: string,
  source: string,
  { message }: InvalidValue,
): string {
  const quoted = JSON.stringify(text)
  if (optionOf(name).type.type === 'boolean') {
    return `invalid boolean value ${quoted} for ${source}: ${message}`
  }
  return `invalid value ${quoted} for ${source.startsWith('-') ? 'flag ' : ''}${source}: ${message}`
}
