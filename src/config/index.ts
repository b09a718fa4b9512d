/** The command line and the environment: one table of options, the settings that are read by it, and its help. */
import { parseCommandLine } from './command-line.ts'
import { type Name, variableOf } from './option.ts'
import { type RawValue, type Resolved, readSettings } from './resolve.ts'
import type { Environment } from './settings.ts'
import { unknownVariables } from './unknown-variables.ts'

export { helpTable, helpText } from './help.ts'
export { addressText, hostInUrl, listenOrExplain } from './listen-address.ts'
export type { Environment, Filters, Settings, TlsFiles } from './settings.ts'
export type { ListenAddress } from './value-types.ts'

/** What the program shall do. Messages are one line without a line end, and hold no secret. */
export type Parsed = Resolved | { readonly type: 'help' | 'version' }

/** Reads the arguments (without node and script) and the environment; the arguments win. Never throws. */
export function parse(argv: readonly string[], env: Environment): Parsed {
  const parsed = read(argv, env)
  return 'message' in parsed ? { ...parsed, message: parsed.message.replace(/\p{Cc}/gu, '?') } : parsed
}

function read(argv: readonly string[], env: Environment): Parsed {
  const flags = parseCommandLine(argv)
  if (flags.type !== 'flags') return flags
  const result = readSettings(name => source(name, flags.given, env), env)
  if (result.type !== 'settings') return result
  const { settings } = result
  return { ...result, settings: { ...settings, warnings: [...settings.warnings, ...unknownVariables(env)] } }
}

/** What the command line says of an option, or else its variable. An empty text stands for the default. */
function source(name: Name, given: ReadonlyMap<Name, string>, env: Environment): RawValue {
  const argument = given.get(name)
  if (argument !== undefined) return { text: argument }
  // Only known names are read: Kubernetes sets SMTP_RELAY_PORT and others by itself, for a service called smtp-relay.
  const variable = variableOf(name)
  const text = variable === undefined ? undefined : env[variable]
  return text ? { text, origin: variable } : {}
}
