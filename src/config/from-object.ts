import { type Name, optionOf } from './option.ts'
import { resolve, withoutControlCharacters } from './resolve.ts'
import type { Secrets, Settings } from './settings.ts'
import { isPlainObject, type ParseResult } from './value-type.ts'

/** Settings of a whole program, which a server that is embedded in another program does not have. */
type ProgramSettings =
  | 'listen'
  | 'logFormat'
  | 'workers'
  | 'admin'
  | 'verbose'
  | 'drainTimeoutMs'
  | 'warnings'

type Property = Exclude<keyof Settings, ProgramSettings>

/**
 * The settings of a server, as an object. A property that is left out, or `undefined`, has the default of the
 * command line.
 *
 * @interface
 */
export type ServerConfig = { readonly [P in Property]?: Settings[P] | undefined }

/** What a property means: the value of an option, a secret, or an object of further properties. */
type PropertyRule =
  | { readonly type: 'option'; readonly name: Name }
  | { readonly type: 'secret'; readonly name: keyof Secrets }
  | { readonly type: 'object'; readonly properties: PropertyRules; readonly required: readonly string[] }

type PropertyRules = Readonly<Record<string, PropertyRule>>

const rules = {
  service: option('name'),
  hostname: option('hostname'),
  tls: {
    type: 'object',
    properties: {
      certPath: option('tls-cert'),
      keyPath: option('tls-key'),
      passphrase: secret('keyPassphrase'),
    },
    // Without one of them there would be no TLS.
    required: ['certPath', 'keyPath'],
  },
  requireTls: option('require-starttls'),
  relay: option('relay'),
  maildirPath: option('maildir'),
  access: {
    type: 'object',
    properties: {
      addresses: option('allow-ips'),
      user: {
        type: 'object',
        properties: {
          name: option('user'),
          bcryptHash: secret('bcryptHash'),
          password: secret('password'),
        },
        // Without a name there would be no user, and clients could send without AUTH.
        required: ['name'],
      },
    },
    required: [],
  },
  usersFile: option('users-file'),
  allowPlaintextAuth: option('allow-plaintext-auth'),
  filters: {
    type: 'object',
    properties: {
      allowFrom: option('allow-from'),
      denyTo: option('deny-to'),
      allowTo: option('allow-to'),
    },
    required: [],
  },
  configurationSet: option('configuration-set'),
  sourceArn: option('source-arn'),
  fromArn: option('from-arn'),
  returnPathArn: option('return-path-arn'),
  tags: option('tags'),
  pinpointApplicationId: option('pinpoint-application-id'),
  upstreamConnections: option('upstream-connections'),
  upstreamTimeoutMs: option('upstream-timeout'),
  sendRate: option('send-rate'),
  maxMessageBytes: option('max-size'),
  maxRecipients: option('max-recipients'),
  maxConnections: option('max-connections'),
  maxConnectionsPerIp: option('max-connections-per-ip'),
  idleTimeoutMs: option('idle-timeout'),
  dataTimeoutMs: option('data-timeout'),
  messageMemoryBytes: option('message-memory'),
  maxWaitMs: option('max-wait'),
  trustedProxies: option('proxy-protocol'),
  bareNewline: option('bare-newline'),
  strictPipelining: option('strict-pipelining'),
} as const satisfies Readonly<Record<Property, PropertyRule>>

/**
 * Turns an object into settings, by the rules of the command line.
 * @param hasTls true if TLS is available although the object names no certificate
 * @throws Error with a sentence that names the property, and the option of the same meaning
 */
export function configFromObject(config: ServerConfig, hasTls: boolean): Settings {
  const given = new Given()
  given.addAll('', config, rules)
  const resolved = resolve(given.values, given.secrets, hasTls)
  if (resolved.type !== 'settings') throw new Error(withoutControlCharacters(resolved.message))
  return resolved.settings
}

/** The values and secrets in an object. */
class Given {
  readonly values = new Map<Name, ParseResult<unknown>>()
  secrets: Secrets = {}

  /** @param path leads to the object, and ends with a dot unless it is empty */
  addAll(path: string, object: object, rules: PropertyRules): void {
    for (const [property, value] of Object.entries(object)) {
      const rule = Object.hasOwn(rules, property) ? rules[property] : undefined
      // An unknown property is an error if it is undefined, too: inside `access` a typing error could admit
      // every client.
      if (rule === undefined) throw new Error(`unknown option ${path}${property}`)
      if (value !== undefined) this.#add(`${path}${property}`, value, rule)
    }
  }

  #add(path: string, value: unknown, rule: PropertyRule): void {
    switch (rule.type) {
      case 'option': {
        const result = optionOf(rule.name).type.check(value)
        if (result.type !== 'value') throw invalidProperty(`${path} (--${rule.name})`, value, result.message)
        this.values.set(rule.name, result)
        break
      }
      case 'secret':
        if (typeof value !== 'string') throw new Error(`${path} must be a string`)
        this.secrets = { ...this.secrets, [rule.name]: value || undefined }
        break
      case 'object':
        if (!isPlainObject(value)) throw new Error(`${path} must be a plain object`)
        this.addAll(`${path}.`, value, rule.properties)
        for (const name of rule.required) {
          if (value[name] === undefined) throw new Error(`${path}.${name} is missing`)
        }
    }
  }
}

function invalidProperty(origin: string, value: unknown, message: string): Error {
  return new Error(withoutControlCharacters(`invalid value ${shown(value)} for ${origin}: ${message}`))
}

function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
    case 'boolean':
      return String(value)
    case 'bigint':
      return `${value} of type bigint`
    default:
      return value === null ? 'null' : `of type ${typeof value}`
  }
}

/** Returns every property that has the meaning of an option, with the long name of that option. */
export function optionProperties(): readonly (readonly [property: string, name: Name])[] {
  return optionPropertiesIn('', rules)
}

function optionPropertiesIn(path: string, rules: PropertyRules): readonly (readonly [string, Name])[] {
  return Object.entries(rules).flatMap(([property, rule]) => {
    if (rule.type === 'option') return [[`${path}${property}`, rule.name] as const]
    return rule.type === 'object' ? optionPropertiesIn(`${path}${property}.`, rule.properties) : []
  })
}

/** The properties that are set, and that only the backends of this package read. */
export function backendOptionsIn(config: ServerConfig): readonly Property[] {
  return backendProperties.filter(property => config[property] !== undefined)
}

const backendProperties = [
  'maildirPath',
  'configurationSet',
  'sourceArn',
  'fromArn',
  'returnPathArn',
  'tags',
  'pinpointApplicationId',
  'upstreamConnections',
] as const satisfies readonly Property[]

function option(name: Name): PropertyRule {
  return { type: 'option', name }
}

function secret(name: keyof Secrets): PropertyRule {
  return { type: 'secret', name }
}

/** The options of `createServer` that are not settings. */
interface Callbacks {
  readonly onEvent?: unknown
}

/**
 * Checks the callbacks that an application passes, because JavaScript does not check types.
 * @throws Error with a sentence that names what cannot be used
 */
export function validateOptions(options: Callbacks): void {
  if (typeof options !== 'object' || options === null) throw new Error('the options must be an object')
  const { onEvent } = options
  if (onEvent !== undefined && typeof onEvent !== 'function') throw new Error('onEvent must be a function')
}
