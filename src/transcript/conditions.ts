import { cramMd5, login, plain } from '../auth/index.ts'
import { defaultLimits, type Limits, type Peer, type SessionSettings } from '../protocol/index.ts'

/** How the server and the client of a transcript are set up: the header's `With`, and defaults for the rest. */
export interface Conditions {
  /** All settings of the server's session. */
  readonly settings: SessionSettings
  /** The client. Its address is always 192.0.2.1. With `secure=yes` it uses TLS from the first byte. */
  readonly client: Peer
}

/**
 * Parses `name=value, name=value`. `fixtures/README.md` lists the names.
 *
 * @throws Error if a name is unknown or repeated, or a value is invalid
 */
export function readConditions(text: string): Conditions {
  const given = new Map<string, string>()
  for (const pair of pairsOf(text)) {
    const [, name = '', value = ''] = /^([a-z0-9-]+)=(.+)$/.exec(pair) ?? []
    if (given.has(name) || !(name in limitNames || otherNames.includes(name)))
      throw new Error(`unknown or duplicate condition: ${pair}`)
    given.set(name, value)
  }
  const oneOf = <T extends string>(name: string, ...values: readonly [T, ...T[]]): T => {
    const value = given.get(name) ?? values[0]
    const known = values.find(one => one === value)
    if (known === undefined) throw new Error(`${name} must be one of ${values.join(', ')}, not ${value}`)
    return known
  }
  const settings: SessionSettings = {
    hostname: 'relay.test',
    service: 'Relay',
    tls: oneOf('tls', 'none', 'offered', 'required'),
    authRequired: oneOf('login', 'optional', 'required') === 'required',
    mechanisms: (given.get('mechanisms')?.split(' ') ?? []).map(name => {
      const mechanism = mechanisms.find(one => one.name === name)
      if (mechanism === undefined) throw new Error(`unknown mechanism: ${name}`)
      return mechanism
    }),
    allowPlaintextAuth: oneOf('plaintext-login', 'no', 'yes') === 'yes',
    smtpUtf8: oneOf('smtputf8', 'no', 'yes') === 'yes',
    binaryMime: oneOf('binarymime', 'no', 'yes') === 'yes',
    bareNewline: oneOf('bare-newline', 'normalize', 'reject'),
    strictPipelining: oneOf('pipelining', 'lax', 'strict') === 'strict',
    limits: { ...defaultLimits, ...readLimits(given) },
  }
  return { settings, client: { address: '192.0.2.1', secure: oneOf('secure', 'no', 'yes') === 'yes' } }
}

/** Splits conditions into `name=value` pairs. The space after a comma is optional: it is easily forgotten in a shell. */
export function pairsOf(text: string): string[] {
  return text === '' ? [] : text.split(/, ?/)
}

/** The challenge of CRAM-MD5 is constant here, so that a transcript can contain the response to it. */
const mechanisms = [plain, login, cramMd5({ challenge: () => '<1896.697170952@relay.test>' })]

const otherNames = [
  'tls',
  'login',
  'mechanisms',
  'plaintext-login',
  'bare-newline',
  'secure',
  'smtputf8',
  'binarymime',
  'pipelining',
]

const limitNames: { readonly [name: string]: keyof Limits } = {
  size: 'messageBytes',
  drain: 'discardFactor',
  recipients: 'recipients',
  command: 'commandLineBytes',
  response: 'authLineBytes',
  skipped: 'discardedLineBytes',
  errors: 'hardErrorLimit',
  'prompt-errors': 'softErrorLimit',
  'idle-commands': 'junkCommands',
  'small-chunks': 'smallChunks',
  refusals: 'refusals',
  'failed-logins': 'authFailures',
}

function readLimits(given: ReadonlyMap<string, string>): Partial<Limits> {
  const found = Object.entries(limitNames).flatMap(([name, limit]) => {
    const value = given.get(name)
    if (value === undefined) return []
    if (!/^\d{1,9}$/.test(value)) throw new Error(`${name} must be a number of at most nine digits`)
    return [[limit, Number(value)] as const]
  })
  return Object.fromEntries(found)
}
