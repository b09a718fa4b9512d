/**
 * Configuration: one table of options, read from the command line, the environment or an object, and turned
 * into settings; and the limits of the process, which the settings have to respect.
 */
import { parseCommandLine } from './command-line.ts'
import { type Environment, parseEnvironment, secretsFrom, unknownVariables } from './environment.ts'
import { type Resolved, resolve, withoutControlCharacters } from './resolve.ts'

export { limitConnections } from './connection-limit.ts'
export { connectionMemory } from './connection-memory.ts'
export type { Environment } from './environment.ts'
export {
  backendOptionsIn,
  configFromObject,
  optionProperties,
  type ServerConfig,
  validateOptions,
} from './from-object.ts'
export { helpTable, helpText } from './help.ts'
export { addressText, hostInUrl, type ListenAddress, listenOrExplain } from './listen-address.ts'
export { readProcessLimits } from './process-limits.ts'
export type { Filters, Settings, TlsFiles } from './settings.ts'

/**
 * The configuration, or why there is none. A message is one line without a line end, and contains no secret.
 */
export type Parsed =
  | Resolved
  | { readonly type: 'help' | 'version' }
  /** An option or a value cannot be read: exit code 2. */
  | { readonly type: 'usage'; readonly message: string }

/**
 * Reads the configuration of the program. Never throws.
 * @param argv the arguments, without node and script; they take precedence over the environment
 */
export function parse(argv: readonly string[], env: Environment): Parsed {
  const parsed = read(argv, env)
  return 'message' in parsed ? { ...parsed, message: withoutControlCharacters(parsed.message) } : parsed
}

function read(argv: readonly string[], env: Environment): Parsed {
  const commandLine = parseCommandLine(argv)
  if (commandLine.type !== 'values') return commandLine
  const environment = parseEnvironment(env, commandLine.values)
  if (environment.type !== 'values') return environment
  const resolved = resolve(new Map([...environment.values, ...commandLine.values]), secretsFrom(env))
  if (resolved.type !== 'settings') return resolved
  const { settings } = resolved
  return {
    ...resolved,
    settings: { ...settings, warnings: [...settings.warnings, ...unknownVariables(env)] },
  }
}
