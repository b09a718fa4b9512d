/** The command line and the environment: one table of options, the settings that are read by it, and its help. */
import { complaint, readFlags, readText } from './options/flags.ts'
import { objection, warningsOf } from './options/objections.ts'
import { type Name, names, optionOf, type Values, variableOf } from './options/option.ts'
import { type Environment, type Settings, settle } from './options/settings.ts'

export { helpTable, helpText } from './options/help.ts'
export type { ListenAddress } from './options/kinds.ts'
export type { Environment, Settings } from './options/settings.ts'

/** What the program shall do. Messages are one line without a line end, and hold no secret. */
export type Parsed =
  /** Start with these settings; `check`: see only whether the program could; `health`: see only whether it has. */
  | {
      readonly type: 'settings'
      readonly settings: Settings
      readonly check: boolean
      readonly health: boolean
    }
  | { readonly type: 'help' | 'version' }
  /** The command line or a variable cannot be read: the message and the help on stderr, exit 2. */
  | { readonly type: 'usage'; readonly message: string }
  /** The settings cannot work, or not together: the message on stderr, exit 1. */
  | { readonly type: 'conflict'; readonly message: string }

/** Reads the arguments (without node and script) and the environment; the arguments win. Never throws. */
export function parse(argv: readonly string[], env: Environment): Parsed {
  const parsed = read(argv, env)
  return 'message' in parsed ? { ...parsed, message: parsed.message.replace(/\p{Cc}/gu, '?') } : parsed
}

function read(argv: readonly string[], env: Environment): Parsed {
  const flags = readFlags(argv)
  if (flags.type !== 'flags') return flags

  const values: Partial<Record<Name, unknown>> = {}
  let conflict: string | undefined
  for (const name of names) {
    const { text, variable } = source(name, flags.given, env)
    const reading = readText(name, text)
    if (reading?.type === 'value') values[name] = reading.value
    else if (reading?.type === 'usage') {
      return { type: 'usage', message: complaint(name, text, variable ?? `-${name}`, reading) }
    } else if (reading?.type === 'conflict') {
      conflict ??= variable === undefined ? reading.message : `${reading.message} (${variable})`
    }
  }
  if (conflict !== undefined) return { type: 'conflict', message: conflict }

  const read = values as Values
  const settings = settle(read, env)
  conflict = objection(settings, read)
  if (conflict !== undefined) return { type: 'conflict', message: conflict }
  return {
    type: 'settings',
    settings: { ...settings, warnings: warningsOf(settings, read, env) },
    check: read.check,
    health: read.health,
  }
}

/** The text of an option, and the variable that holds it, if one does. An empty text: there is no value. */
function source(name: Name, given: ReadonlyMap<Name, string>, env: Environment) {
  const { fallback = '' } = optionOf(name)
  const argument = given.get(name)
  if (argument !== undefined) return { text: argument || fallback, variable: undefined }
  // Only known names are read: Kubernetes sets SMTP_RELAY_PORT and others by itself, for a service called smtp-relay.
  const variable = variableOf(name)
  const text = variable === undefined ? undefined : env[variable]
  return text ? { text, variable } : { text: fallback, variable: undefined }
}
