import { cramMd5, login, plain } from '../auth/index.ts'
import { defaultLimits, type Limits, type Peer, type SessionSettings } from '../protocol/index.ts'

/** The circumstances of a transcript: what its header's `With` says, the rest as every transcript has it. */
export interface Conditions {
  /** The server's, complete. */
  readonly settings: SessionSettings
  /** The client: always 192.0.2.1, under TLS from the first byte where `secure=yes`. */
  readonly client: Peer
}

/**
 * Reads `name=value, name=value`; `fixtures/README.md` lists the names. Throws an `Error` that says what is wrong.
 */
export function readConditions(text: string): Conditions {
  const given = new Map<string, string>()
  for (const pair of pairsOf(text)) {
    const [, name = '', value = ''] = /^([a-z0-9-]+)=(.+)$/.exec(pair) ?? []
    if (given.has(name) || !(name in limitNames || otherNames.includes(name)))
      throw new Error(`not a condition, or not the first of its name: ${pair}`)
    given.set(name, value)
  }
  const choose = <T extends string>(name: string, ...values: readonly [T, ...T[]]): T => {
    const value = given.get(name) ?? values[0]
    const known = values.find(one => one === value)
    if (known === undefined) throw new Error(`${name} is one of ${values.join(', ')}, not ${value}`)
    return known
  }
  const settings: SessionSettings = {
    hostname: 'relay.test',
    service: 'Relay',
    tls: choose('tls', 'none', 'offered', 'required'),
    authRequired: choose('login', 'optional', 'required') === 'required',
    mechanisms: (given.get('mechanisms')?.split(' ') ?? []).map(name => {
      const mechanism = mechanisms.find(one => one.name === name)
      if (mechanism === undefined) throw new Error(`no mechanism ${name}`)
      return mechanism
    }),
    allowPlaintextAuth: choose('plaintext-login', 'no', 'yes') === 'yes',
    smtpUtf8: choose('smtputf8', 'no', 'yes') === 'yes',
    binaryMime: choose('binarymime', 'no', 'yes') === 'yes',
    bareNewline: choose('bare-newline', 'normalize', 'reject'),
    strictPipelining: choose('pipelining', 'lax', 'strict') === 'strict',
    limits: { ...defaultLimits, ...readLimits(given) },
  }
  return { settings, client: { address: '192.0.2.1', secure: choose('secure', 'no', 'yes') === 'yes' } }
}

/** The conditions one by one, each as `name=value`. On a command line the space behind a comma is easily forgotten. */
export function pairsOf(text: string): string[] {
  return text === '' ? [] : text.split(/, ?/)
}

/** CRAM-MD5's challenge is always the same here, so that a transcript can hold the response to it. */
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
    if (!/^\d{1,9}$/.test(value)) throw new Error(`${name} is a number`)
    return [[limit, Number(value)] as const]
  })
  return Object.fromEntries(found)
}
