import { AddressList } from '../auth/index.ts'
import { type Name, optionOf } from './option.ts'
import { readSettings } from './resolve.ts'
import type { Environment, Settings } from './settings.ts'

/** What concerns a whole program, and not the server that is embedded in one. */
type Programs = 'listen' | 'logFormat' | 'workers' | 'admin' | 'verbose' | 'drainTimeoutMs' | 'warnings'

type Field = Exclude<keyof Settings, Programs>

/**
 * The settings of a server, as an object. What is left out, or `undefined`, has the default of the command line.
 *
 * @interface
 */
export type ServerConfig = { readonly [F in keyof Pick<Settings, Field>]?: Settings[F] | undefined }

/**
 * What a field would be on the command line, option by option, and in the environment, if it is a secret. Nothing of it
 * need have the right type.
 */
interface Written {
  readonly texts: Partial<Record<Name, unknown>>
  readonly secrets?: Readonly<Record<string, unknown>>
}

/**
 * Holds choices against the same rules as the command line.
 * @param ownTls there is TLS, although the choices name no certificate
 * @throws Error with a sentence that names the field, and the option of the same meaning
 */
export function configFromObject(choices: ServerConfig, ownTls: boolean): Settings {
  const texts = new Map<Name, { readonly text: string; readonly origin: string }>()
  let secrets: Environment = {}
  for (const [field, choice] of Object.entries(choices)) {
    if (choice === undefined) continue
    const write = Object.hasOwn(serializers, field) ? serializers[field as Field] : undefined
    if (write === undefined) throw new Error(`there is no option ${field}`)
    const written = write(choice as never)
    for (const [name, secret] of Object.entries(written.secrets ?? {})) {
      if (secret === undefined) continue
      if (typeof secret !== 'string') throw wrongType(`${field} (${name})`)
      secrets = { ...secrets, [name]: secret }
    }
    for (const [name, text] of Object.entries(written.texts)) {
      if (text === undefined) continue
      const origin = `${field} (--${name})`
      if (!fits(name as Name, text)) throw wrongType(origin)
      // On the command line it stands for the default; here it is rather a variable that was forgotten.
      if (text === '') throw new Error(`${origin} is empty`)
      texts.set(name as Name, { text: String(text), origin })
    }
  }
  const read = readSettings(name => texts.get(name) ?? {}, secrets, ownTls)
  if (read.type !== 'settings') throw new Error(read.message.replace(/\p{Cc}/gu, '?'))
  return read.settings
}

/** The fields that were chosen and only backends of this package go by. */
export function backendOptionsIn(choices: ServerConfig): readonly Field[] {
  return backendFields.filter(field => choices[field] !== undefined)
}

const backendFields = [
  'maildirPath',
  'configurationSet',
  'sourceArn',
  'fromArn',
  'returnPathArn',
  'tags',
  'pinpointApplicationId',
  'upstreamConnections',
] as const satisfies readonly Field[]

const serializers: { readonly [F in Field]: (choice: NonNullable<Settings[F]>) => Written } = {
  service: as('name'),
  hostname: as('hostname'),
  tls(tls) {
    const { certPath, keyPath, passphrase, ...rest } = plain('tls', tls)
    none('tls', rest)
    return {
      // Without either there would be no TLS.
      texts: { 'tls-cert': certPath ?? '', 'tls-key': keyPath ?? '' },
      secrets: { TLS_KEY_PASS: passphrase },
    }
  },
  requireTls: as('require-starttls'),
  relay: as('relay'),
  maildirPath: as('maildir'),
  access(access) {
    const { addresses, user, ...rest } = plain('access', access)
    none('access', rest)
    const texts = { 'allow-ips': listed(addresses) }
    if (user === undefined) return { texts }
    const { name, bcryptHash, password, ...more } = plain('access.user', user)
    none('access.user', more)
    return {
      // Without a name there would be no user, and nobody would have to log in.
      texts: { ...texts, user: name ?? '' },
      secrets: { BCRYPT_HASH: bcryptHash, PASSWORD: password },
    }
  },
  usersFile: as('users-file'),
  allowPlaintextAuth: as('allow-plaintext-auth'),
  filters(filters) {
    const { allowFrom, denyTo, allowTo, ...rest } = plain('filters', filters)
    none('filters', rest)
    return { texts: { 'allow-from': allowFrom, 'deny-to': denyTo, 'allow-to': allowTo } }
  },
  configurationSet: as('configuration-set'),
  sourceArn: as('source-arn'),
  fromArn: as('from-arn'),
  returnPathArn: as('return-path-arn'),
  tags(tags) {
    const pairs = Object.entries(plain('tags', tags)).map(([name, value]) => {
      if (typeof value !== 'string') throw wrongType(`tags.${name}`)
      const pair = `${name}=${value}`
      // It would begin another tag.
      if (pair.includes(',')) throw new Error(`tags: ${JSON.stringify(pair)} has a comma`)
      return pair
    })
    return { texts: pairs.length === 0 ? {} : { tags: pairs.join(',') } }
  },
  pinpointApplicationId: as('pinpoint-application-id'),
  upstreamConnections: as('upstream-connections'),
  upstreamTimeoutMs: inSeconds('upstream-timeout'),
  sendRate: as('send-rate'),
  maxMessageBytes: as('max-size'),
  maxRecipients: as('max-recipients'),
  maxConnections: as('max-connections'),
  maxConnectionsPerIp: count => ({
    texts: { 'max-connections-per-ip': count === Number.POSITIVE_INFINITY ? 0 : count },
  }),
  idleTimeoutMs: inSeconds('idle-timeout'),
  dataTimeoutMs: inSeconds('data-timeout'),
  messageMemoryBytes: as('message-memory'),
  maxWaitMs: inSeconds('max-wait'),
  trustedProxies: proxies => ({ texts: { 'proxy-protocol': listed(proxies) } }),
  bareNewline: as('bare-newline'),
  strictPipelining: as('strict-pipelining'),
}

function as(name: Name): (choice: unknown) => Written {
  return choice => ({ texts: { [name]: choice } })
}

/** A text would be in seconds, so it has the wrong type here, as `null` has. */
function inSeconds(name: Name): (ms: unknown) => Written {
  return ms => ({ texts: { [name]: typeof ms === 'number' ? ms / 1000 : null } })
}

function listed(addresses: unknown): unknown {
  return addresses instanceof AddressList ? addresses.toString() : addresses
}

/** The option can be written so: a switch as a boolean, all others as a text or a number. */
function fits(name: Name, text: unknown): boolean {
  if (typeof text === 'string') return true
  return typeof text === (optionOf(name).type.type === 'boolean' ? 'boolean' : 'number')
}

/** Of any other object the fields may be hidden, and what was chosen would count for nothing. */
function plain<T extends object>(origin: string, chosen: T): T {
  const isObject = typeof chosen === 'object' && chosen !== null
  const prototype = isObject ? Object.getPrototypeOf(chosen) : undefined
  const isPlain = isObject && (prototype === null || Object.getPrototypeOf(prototype) === null)
  if (!isPlain) throw wrongType(origin)
  return chosen
}

/** A slip of the pen inside of `access` could open the door for everybody. */
function none(field: string, rest: object): void {
  for (const name of Object.keys(rest)) throw new Error(`there is no option ${field}.${name}`)
}

function wrongType(origin: string): Error {
  return new Error(`${origin} has the wrong type`)
}
