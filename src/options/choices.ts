import type { Name } from './option.ts'
import type { Environment, Settings } from './settings.ts'
import { readSettings } from './texts.ts'

/** What concerns a whole program, and not the server that is embedded in one. */
type Programs = 'listen' | 'log' | 'workers' | 'admin' | 'verbose' | 'drainTimeoutMs' | 'warnings'

type Field = Exclude<keyof Settings, Programs>

/**
 * The settings of a server, as an object. What is left out, or `undefined`, has the default of the command line.
 *
 * @interface
 */
export type Choices = { readonly [F in keyof Pick<Settings, Field>]?: Settings[F] | undefined }

/** What a field would be on the command line, option by option, and in the environment, if it is a secret. */
interface Written {
  readonly texts: Partial<Record<Name, unknown>>
  readonly secrets?: Environment
}

/**
 * Holds choices against the same rules as the command line.
 * @param ownTls there is TLS, although the choices name no certificate
 * @throws Error with a sentence that names the field, and the option of the same meaning
 */
export function readChoices(choices: Choices, ownTls: boolean): Settings {
  const texts = new Map<Name, { readonly text: string; readonly place: string }>()
  let secrets: Environment = {}
  for (const [field, choice] of Object.entries(choices)) {
    if (choice === undefined) continue
    const write = Object.hasOwn(writers, field) ? writers[field as Field] : undefined
    if (write === undefined) throw new Error(`there is no option ${field}`)
    if (objects.has(field) && !isObject(choice)) throw new Error(`${field} has the wrong type`)
    const written = write(choice as never)
    secrets = { ...secrets, ...written.secrets }
    for (const [name, text] of Object.entries(written.texts)) {
      if (text === undefined) continue
      const place = `${field} (--${name})`
      if (!['string', 'number', 'boolean'].includes(typeof text))
        throw new Error(`${place} has the wrong type`)
      // On the command line it stands for the default; here it is rather a variable that was forgotten.
      if (text === '') throw new Error(`${place} is empty`)
      texts.set(name as Name, { text: String(text), place })
    }
  }
  const read = readSettings(name => texts.get(name) ?? {}, secrets, ownTls)
  if (read.type !== 'settings') throw new Error(read.message.replace(/\p{Cc}/gu, '?'))
  return read.settings
}

/** The fields that were chosen and only backends of this package go by. */
export function chosenForBackends(choices: Choices): readonly Field[] {
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

/** The fields that have fields of their own. */
const objects: ReadonlySet<string> = new Set<Field>(['tls', 'access', 'filters', 'tags'])

const writers: { readonly [F in Field]: (choice: NonNullable<Settings[F]>) => Written } = {
  service: as('name'),
  hostname: as('hostname'),
  tls({ certPath, keyPath, passphrase, ...rest }) {
    none('tls', rest)
    return { texts: { 'tls-cert': certPath, 'tls-key': keyPath }, secrets: { TLS_KEY_PASS: passphrase } }
  },
  requireTls: as('require-starttls'),
  relay: as('relay'),
  maildirPath: as('maildir'),
  access({ addresses, user, ...rest }) {
    none('access', rest)
    if (user === undefined) return { texts: { 'allow-ips': addresses?.toString() } }
    if (!isObject(user)) throw new Error('access.user has the wrong type')
    const { name, bcryptHash, password, ...more } = user
    none('access.user', more)
    return {
      // Without a name there would be no user, and nobody would have to log in.
      texts: { 'allow-ips': addresses?.toString(), user: name ?? '' },
      secrets: { BCRYPT_HASH: bcryptHash, PASSWORD: password },
    }
  },
  usersPath: as('users'),
  allowPlaintextAuth: as('allow-plaintext-auth'),
  filters({ allowFrom, denyTo, allowTo, ...rest }) {
    none('filters', rest)
    return { texts: { 'allow-from': allowFrom, 'deny-to': denyTo, 'allow-to': allowTo } }
  },
  configurationSet: as('configuration-set'),
  sourceArn: as('source-arn'),
  fromArn: as('from-arn'),
  returnPathArn: as('return-path-arn'),
  tags(tags) {
    const entries = Object.entries(tags).map(([name, value]) => `${name}=${value}`)
    return { texts: entries.length === 0 ? {} : { tags: entries.join(',') } }
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
  memoryBytes: as('memory'),
  patienceMs: inSeconds('patience'),
  proxies: proxies => ({ texts: { 'proxy-protocol': proxies.toString() } }),
  bareNewline: as('bare-newline'),
  strictPipelining: as('strict-pipelining'),
}

function isObject(choice: unknown): boolean {
  return typeof choice === 'object' && choice !== null
}

function as(name: Name): (choice: unknown) => Written {
  return choice => ({ texts: { [name]: choice } })
}

function inSeconds(name: Name): (ms: number) => Written {
  return ms => ({ texts: { [name]: ms / 1000 } })
}

/** A slip of the pen inside of `access` could open the door for everybody. */
function none(field: string, rest: object): void {
  for (const name of Object.keys(rest)) throw new Error(`there is no option ${field}.${name}`)
}
