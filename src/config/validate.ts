import { isBcryptHash } from '../auth/index.ts'
import { flagNames, type Name, type Values } from './option.ts'
import type { Environment, ResolvedSettings } from './settings.ts'

/** Settings as they are judged: whether there is TLS counts, and not where its certificate is. */
type ValidatedSettings = Omit<ResolvedSettings, 'tls'> & { readonly tls: unknown }

/** Why the program must not start with these settings: each of them would be less safe than it looks, or of no use. */
export function validate(settings: ValidatedSettings, values: Values): string | undefined {
  return (
    validateTls(settings, values) ??
    validateLogin(settings) ??
    validateRelay(settings, values) ??
    validateWorkers(settings)
  )
}

/** What works with these settings, but perhaps not as it was meant: a sentence each. */
export function warnings(settings: ResolvedSettings, values: Values, env: Environment): readonly string[] {
  const { relay, access, listen, requireTls, allowPlaintextAuth } = settings
  const warnings: string[] = []
  const secrets = (['BCRYPT_HASH', 'PASSWORD'] as const).filter(name => env[name])
  if (access.user === undefined && secrets.length > 0) {
    const are = secrets.length > 1 ? 'are' : 'is'
    warnings.push(`${secrets.join(' and ')} ${are} not used without ${flagNames('user')}`)
  }
  if (allowPlaintextAuth && (requireTls || listen.every(address => address.implicitTls))) {
    warnings.push(`${flagNames('allow-plaintext-auth')} changes nothing where TLS is required`)
  }
  if (settings.maxRecipients < 100) {
    warnings.push(
      `${flagNames('max-recipients')} is less than the 100 that every client may count on (RFC 5321)`,
    )
  }
  if (settings.maxMessageBytes !== undefined && settings.maxMessageBytes < 65_536) {
    warnings.push(`${flagNames('max-size')} is less than the 64KiB that every client may count on (RFC 5321)`)
  }
  const idle = given(values, [...sesOptions, 'send-rate', 'pinpoint-application-id']).filter(
    name => !used[relay].includes(name),
  )
  if (idle.length > 0) warnings.push(`-r ${relay} does not use ${idle.map(flagNames).join(', ')}`)
  if (relay === 'pinpoint') {
    warnings.push('AWS ended Amazon Pinpoint on 30 October 2026; -r ses or -r sesv2 takes its place')
  }
  return warnings
}

function validateTls({ listen, tls }: ValidatedSettings, values: Values): string | undefined {
  if (tls !== undefined) return undefined
  const [cert, key] = [flagNames('tls-cert'), flagNames('tls-key')]
  if (values['tls-cert'] !== undefined) return `${cert} needs ${key}`
  if (values['tls-key'] !== undefined) return `${key} needs ${cert}`
  const needs = `needs ${cert} and ${key}`
  if (values['require-starttls']) return `${flagNames('require-starttls')} ${needs}`
  if (values['tls-only']) return `${flagNames('tls-only')} ${needs}`
  if (listen.some(address => address.implicitTls)) return `tls:// in ${flagNames('listen')} ${needs}`
  return undefined
}

function validateLogin(settings: ValidatedSettings): string | undefined {
  const { tls, access, usersFile, allowPlaintextAuth } = settings
  const noPlaintext = tls === undefined && !allowPlaintextAuth
  const { bcryptHash, password } = access.user ?? {}
  if (access.user !== undefined) {
    if (bcryptHash === undefined && password === undefined) {
      return `${flagNames('user')} needs a secret: set BCRYPT_HASH or PASSWORD`
    }
    if (bcryptHash !== undefined && !isBcryptHash(bcryptHash)) {
      return 'BCRYPT_HASH is not a bcrypt hash: $2a$, $2b$ or $2y$, a cost from 04 to 31, then 53 characters'
    }
    if (password === undefined && noPlaintext) {
      return (
        'BCRYPT_HASH allows LOGIN and PLAIN only, and these need TLS: ' +
        'give -c/--tls-cert and -k/--tls-key, or PASSWORD for CRAM-MD5, or --allow-plaintext-auth'
      )
    }
  }
  if (usersFile !== undefined && noPlaintext) {
    return (
      '--users-file allows LOGIN and PLAIN only, and these need TLS: ' +
      'give -c/--tls-cert and -k/--tls-key, or --allow-plaintext-auth'
    )
  }
  return undefined
}

/**
 * What a relay cannot do is an error where mail would leave without it: under another identity, or untagged. Where none
 * leaves (`maildir`, `discard`), or where the Go program took it (`-e` with `pinpoint`), a warning is enough.
 */
function validateRelay(settings: ValidatedSettings, values: Values): string | undefined {
  const { relay, sourceArn, fromArn } = settings
  if (relay === 'pinpoint') {
    if (settings.pinpointApplicationId === undefined) {
      return `-r pinpoint needs ${flagNames('pinpoint-application-id')}`
    }
    const lost = given(values, sesOptions).filter(name => name !== 'configuration-set')
    if (lost.length > 0) return `-r pinpoint cannot send with ${lost.map(flagNames).join(', ')}: -r ses can`
  }
  if (relay === 'sesv2' && sourceArn !== undefined && fromArn !== undefined && sourceArn !== fromArn) {
    const both = `${flagNames('source-arn')} and ${flagNames('from-arn')}`
    return `-r sesv2 has one ARN for the source and the From header: ${both} must be the same`
  }
  if (settings.sendRate === 'auto' && relay !== 'ses' && relay !== 'sesv2') {
    return `${flagNames('send-rate')} auto needs -r ses or -r sesv2`
  }
  return undefined
}

/** Workers divide between them what is meant for the whole program; a share of nothing could not serve anybody. */
function validateWorkers({
  workers,
  upstreamConnections,
  maxConnections,
}: ValidatedSettings): string | undefined {
  const needs = (name: Name) =>
    `--workers ${workers} needs ${flagNames(name)} of at least ${workers}, one for each`
  if (upstreamConnections < workers) return needs('upstream-connections')
  if (maxConnections < workers) return needs('max-connections')
  return undefined
}

const sesOptions = ['configuration-set', 'source-arn', 'from-arn', 'return-path-arn', 'tags'] as const

const used: Readonly<Record<ResolvedSettings['relay'], readonly Name[]>> = {
  ses: [...sesOptions, 'send-rate'],
  sesv2: [...sesOptions, 'send-rate'],
  pinpoint: ['send-rate', 'pinpoint-application-id'],
  maildir: [],
  discard: [],
}

function given(values: Values, names: readonly Name[]): readonly Name[] {
  return names.filter(name => values[name] !== undefined)
}
