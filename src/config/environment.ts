import { type Name, names, optionOf, prefix, variableOf } from './option.ts'
import type { GivenValues } from './resolve.ts'
import type { Secrets } from './settings.ts'
import type { ParseResult } from './value-type.ts'

/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the variables of options. An empty variable counts as unset. Only known names are read: Kubernetes
 * sets SMTP_RELAY_PORT and others for a service called smtp-relay.
 * @param overridden options whose variables are ignored, because the command line has them
 */
export function parseEnvironment(
  env: Environment,
  overridden: GivenValues,
):
  | { readonly type: 'values'; readonly values: GivenValues }
  | { readonly type: 'usage'; readonly message: string } {
  const values = new Map<Name, ParseResult<unknown>>()
  for (const name of names) {
    const variable = variableOf(name)
    const text = variable === undefined || overridden.has(name) ? undefined : env[variable]
    if (!text) continue
    const { type } = optionOf(name)
    const result = type.parse(text)
    switch (result.type) {
      case 'value':
        values.set(name, result)
        break
      case 'error':
        values.set(name, { ...result, message: `${result.message} (${variable})` })
        break
      case 'invalid': {
        // Go's words about a boolean flag are "parse error".
        const message = type.argument === 'optional' ? 'must be true or false' : result.message
        return { type: 'usage', message: `invalid value ${JSON.stringify(text)} for ${variable}: ${message}` }
      }
    }
  }
  return { type: 'values', values }
}

/** Reads the secrets, which no option has. An empty variable counts as unset. */
export function secretsFrom({ BCRYPT_HASH, PASSWORD, TLS_KEY_PASS }: Environment): Secrets {
  return {
    bcryptHash: BCRYPT_HASH || undefined,
    password: PASSWORD || undefined,
    keyPassphrase: TLS_KEY_PASS || undefined,
  }
}

/**
 * Variables that Kubernetes sets for services called smtp-relay or smtp-relay-…, such as
 * `SMTP_RELAY_PORT_25_TCP`.
 */
const kubernetesVariable =
  /_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/

/**
 * Returns a warning for each variable that has the prefix of options, and belongs to none: it may be
 * misspelt.
 */
export function unknownVariables(env: Environment): readonly string[] {
  const known = new Set(names.map(variableOf))
  return Object.keys(env)
    .filter(
      name => name.startsWith(prefix) && env[name] && !known.has(name) && !kubernetesVariable.test(name),
    )
    .map(name => `${name.replace(/[^ -~]/g, '?')} is set but is not a known option`)
}
