import { type Name, names, optionOf, type Values } from './option.ts'
import { resolveSettings, type Secrets, type Settings } from './settings.ts'
import { validate, warnings } from './validate.ts'
import { type ParseResult, value } from './value-type.ts'

/**
 * The values that were given, by the long name of their option. An option that is not here has its default.
 */
export type GivenValues = ReadonlyMap<Name, ParseResult<unknown>>

/** The settings, or why there are none. A message is one line without a line end, and contains no secret. */
export type Resolved =
  /** `check` and `healthcheck`: do that with these settings, and do not start the server. */
  | {
      readonly type: 'settings'
      readonly settings: Settings
      readonly check: boolean
      readonly healthcheck: boolean
    }
  /** The options contradict each other, or the program cannot start with them: exit code 1. */
  | { readonly type: 'error'; readonly message: string }

/**
 * Turns values into settings: adds the defaults, and rejects combinations that cannot work.
 * @param hasTls true if TLS is available although no option names a certificate
 */
export function resolve(given: GivenValues, secrets: Secrets, hasTls = false): Resolved {
  const found: Partial<Record<Name, unknown>> = {}
  for (const name of names) {
    const result = given.get(name) ?? defaultOf(name)
    if (result.type !== 'value') return { type: 'error', message: result.message }
    found[name] = result.value
  }
  const values = found as Values
  const settings = resolveSettings(values, secrets)
  const message = validate({ ...settings, tls: hasTls || settings.tls }, values)
  if (message !== undefined) return { type: 'error', message }
  return {
    type: 'settings',
    settings: { ...settings, warnings: warnings(settings, values, secrets) },
    check: values.check,
    healthcheck: values.healthcheck,
  }
}

/**
 * Reads the text of an option. An empty text means the default, except for a boolean, where it is invalid.
 */
export function parseText(name: Name, text: string): ParseResult<unknown> {
  const { type } = optionOf(name)
  return text === '' && type.argument === 'required' ? defaultOf(name) : type.parse(text)
}

function defaultOf(name: Name): ParseResult<unknown> {
  const { type, defaultValue } = optionOf(name)
  return defaultValue === undefined ? value(undefined) : type.parse(defaultValue)
}

/** Makes a message one line that is safe to print. */
export function withoutControlCharacters(message: string): string {
  return message.replace(/\p{Cc}/gu, '?')
}
