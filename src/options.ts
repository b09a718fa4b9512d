/** The command line and the environment: one table of options, the settings that are read by it, and its help. */
import { hostname } from 'node:os'
import { type Access, isBcryptHash } from './auth/index.ts'
import { complaint, readFlags, readText } from './options/flags.ts'
import type { ListenAddress } from './options/kinds.ts'
import { type Name, names, optionOf, type Values, variableOf } from './options/table.ts'

export { helpTable, helpText } from './options/help.ts'
export type { ListenAddress } from './options/kinds.ts'

/** Everything that an operator may settle. It holds secrets: never print it. */
export interface Settings {
  /** Never empty. With `--tls-only` each has implicit TLS. */
  readonly listen: readonly ListenAddress[]
  /** The SMTP service name. */
  readonly service: string
  readonly hostname: string
  readonly tls: TlsFiles | undefined
  /** TLS is required before AUTH and MAIL. */
  readonly requireTls: boolean
  readonly relay: Values['relay']
  readonly configurationSet: string | undefined
  readonly access: Access
  /** Offer LOGIN and PLAIN also where there is no TLS. */
  readonly allowPlaintextAuth: boolean
  readonly maildirPath: string
  /** As much as the relay takes, if left out. */
  readonly maxMessageBytes: number | undefined
  readonly maxRecipients: number
  readonly idleTimeoutMs: number
  readonly dataTimeoutMs: number
  readonly bareNewline: Values['bare-newline']
  readonly drainTimeoutMs: number
  readonly upstreamTimeoutMs: number
}

/** PEM files of the server's certificate. */
export interface TlsFiles {
  readonly certPath: string
  readonly keyPath: string
  readonly passphrase: string | undefined
}

/** What the program shall do. Messages are one line without a line end, and hold no secret. */
export type Parsed =
  | { readonly type: 'settings'; readonly settings: Settings }
  | { readonly type: 'help' | 'version' }
  /** The command line or a variable cannot be read: the message and the help on stderr, exit 2. */
  | { readonly type: 'usage'; readonly message: string }
  /** The settings cannot work, or not together: the message on stderr, exit 1. */
  | { readonly type: 'conflict'; readonly message: string }

/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

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
  if (conflict === undefined) {
    const settings = settle(values as Values, env)
    conflict = objection(settings, values as Values)
    if (conflict === undefined) return { type: 'settings', settings }
  }
  return { type: 'conflict', message: conflict }
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

function settle(values: Values, env: Environment): Settings {
  const { 'tls-cert': certPath, 'tls-key': keyPath, user } = values
  return {
    listen: values.listen.map(address => (values['tls-only'] ? { ...address, implicitTls: true } : address)),
    service: values.name,
    hostname: values.hostname ?? (hostname() || 'localhost'),
    tls:
      certPath === undefined || keyPath === undefined
        ? undefined
        : { certPath, keyPath, passphrase: env.TLS_KEY_PASS || undefined },
    requireTls: values['require-starttls'],
    relay: values.relay,
    configurationSet: values['configuration-set'],
    access:
      user === undefined
        ? {}
        : {
            user: {
              name: user,
              bcryptHash: env.BCRYPT_HASH || undefined,
              password: env.PASSWORD || undefined,
            },
          },
    allowPlaintextAuth: values['allow-plaintext-auth'],
    maildirPath: values.maildir,
    maxMessageBytes: values['max-size'],
    maxRecipients: values['max-recipients'],
    idleTimeoutMs: values['idle-timeout'],
    dataTimeoutMs: values['data-timeout'],
    bareNewline: values['bare-newline'],
    drainTimeoutMs: values['drain-timeout'],
    upstreamTimeoutMs: values['upstream-timeout'],
  }
}

/** Why the program must not start with these settings: each of them would be less safe than it looks, or of no use. */
function objection(
  { listen, tls, access, allowPlaintextAuth }: Settings,
  values: Values,
): string | undefined {
  if (tls === undefined) {
    if (values['tls-cert'] !== undefined) return '-c/--tls-cert needs -k/--tls-key'
    if (values['tls-key'] !== undefined) return '-k/--tls-key needs -c/--tls-cert'
    const needs = 'needs -c/--tls-cert and -k/--tls-key'
    if (values['require-starttls']) return `-s/--require-starttls ${needs}`
    if (values['tls-only']) return `-t/--tls-only ${needs}`
    if (listen.some(address => address.implicitTls)) return `tls:// in -a/--listen ${needs}`
  }
  if (access.user === undefined) return undefined
  const { bcryptHash, password } = access.user
  if (bcryptHash === undefined && password === undefined) {
    return '-u/--user needs a secret: set BCRYPT_HASH or PASSWORD'
  }
  if (bcryptHash !== undefined && !isBcryptHash(bcryptHash)) {
    return 'BCRYPT_HASH is not a bcrypt hash: $2a$, $2b$ or $2y$, a cost from 04 to 31, then 53 characters'
  }
  if (password === undefined && tls === undefined && !allowPlaintextAuth) {
    return (
      'BCRYPT_HASH allows LOGIN and PLAIN only, and these need TLS: ' +
      'give -c/--tls-cert and -k/--tls-key, or PASSWORD for CRAM-MD5, or --allow-plaintext-auth'
    )
  }
  return undefined
}
