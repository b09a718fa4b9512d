import { names, prefix, variableOf } from './option.ts'
import type { Environment } from './settings.ts'

/** What Kubernetes sets by itself for services called smtp-relay, or smtp-relay and more: `SMTP_RELAY_PORT_25_TCP`. */
const ofKubernetes = /_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/

/** A sentence for each variable that looks like one of an option, and is not: most likely it was misspelt. */
export function unknownVariables(env: Environment): readonly string[] {
  const known = new Set(names.map(variableOf))
  return Object.keys(env)
    .filter(name => name.startsWith(prefix) && env[name] && !known.has(name) && !ofKubernetes.test(name))
    .map(name => `${name.replace(/[^ -~]/g, '?')} is set, and is the variable of no option`)
}
