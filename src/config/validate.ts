import { isBcryptHash } from '../auth/index.ts'
import { flagNames, type Name, type Values } from './option.ts'
import type { ResolvedSettings, Secrets } from './settings.ts'

/** The settings to validate. It matters whether there is TLS, and not where its certificate comes from. */
type ValidatedSettings = Omit<ResolvedSettings, 'tls'> & { readonly tls: unknown }

/**
 * Returns why the settings are unsafe or have no effect, so that the program must not start; `undefined` if
 * they are fine.
 */
export function validate(settings: ValidatedSettings, values: Values): string | undefined {
  return (
    validateTls(settings, values) ??
    validateLogin(settings) ??
    validateRelay(settings, values) ??
    validateWorkers(settings)
  )
}

/** Returns a sentence for everything that works, but perhaps not as intended. */
export function warnings(
  settings: ResolvedSettings,
  values: Values,
  { bcryptHash, password }: Secrets,
): readonly string[] {
  const { relay, access, listen, requireTls, allowPlaintextAuth } = settings
  const warnings: string[] = []
  const unused = [bcryptHash && 'BCRYPT_HASH', password && 'PASSWORD'].filter(Boolean)
  if (access.user === undefined && unused.length > 0) {
    const verb = unused.length > 1 ? 'have' : 'has'
    warnings.push(`${unused.join(' and ')} ${verb} no effect without ${flagNames('user')}`)
  }
  if (allowPlaintextAuth && (requireTls || listen.every(address => address.implicitTls))) {
    warnings.push(`${flagNames('allow-plaintext-auth')} has no effect, because TLS is required`)
  }
  if (settings.maxRecipients < 100) {
    warnings.push(`${flagNames('max-recipients')} is below 100, which RFC 5321 requires of every server`)
  }
  if (settings.maxMessageBytes !== undefined && settings.maxMessageBytes < 65_536) {
    warnings.push(`${flagNames('max-size')} is below 64KiB, which RFC 5321 requires of every server`)
  }
  const ignored = given(values, [...sesOptions, 'send-rate', 'pinpoint-application-id']).filter(
    name => !usedOptions[relay].includes(name),
  )
  if (ignored.length > 0) warnings.push(`-r ${relay} ignores ${ignored.map(flagNames).join(', ')}`)
  if (relay === 'pinpoint') {
    warnings.push('AWS ended Amazon Pinpoint on 30 October 2026: use -r ses or -r sesv2 instead')
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
  const noPlaintextAuth = tls === undefined && !allowPlaintextAuth
  const { bcryptHash, password } = access.user ?? {}
  if (access.user !== undefined) {
    if (bcryptHash === undefined && password === undefined) {
      return `${flagNames('user')} needs a secret: set BCRYPT_HASH or PASSWORD`
    }
    if (bcryptHash !== undefined && !isBcryptHash(bcryptHash)) {
      return (
        'BCRYPT_HASH is not a bcrypt hash: it must be $2a$, $2b$ or $2y$, a cost from 04 to 31, then 53 characters; ' +
        'in a shell it needs single quotes'
      )
    }
    if (password === undefined && noPlaintextAuth) {
      return (
        'BCRYPT_HASH supports AUTH LOGIN and PLAIN only, which need TLS: ' +
        'set -c/--tls-cert and -k/--tls-key, or PASSWORD for CRAM-MD5, or --allow-plaintext-auth'
      )
    }
  }
  if (usersFile !== undefined && noPlaintextAuth) {
    return (
      '--users-file supports AUTH LOGIN and PLAIN only, which need TLS: ' +
      'set -c/--tls-cert and -k/--tls-key, or --allow-plaintext-auth'
    )
  }
  return undefined
}

/**
 * An option that the backend does not support is an error if messages would be sent without it: under another
 * identity, or without tags. A warning is enough if the backend sends nothing (`maildir`, `discard`), or if
 * the Go program accepted the option (`-e` with `pinpoint`).
 */
function validateRelay(settings: ValidatedSettings, values: Values): string | undefined {
  const { relay, sourceArn, fromArn } = settings
  if (relay === 'pinpoint') {
    if (settings.pinpointApplicationId === undefined) {
      return `-r pinpoint needs ${flagNames('pinpoint-application-id')}`
    }
    const unsupported = given(values, sesOptions).filter(name => name !== 'configuration-set')
    if (unsupported.length > 0) {
      return `-r pinpoint does not support ${unsupported.map(flagNames).join(', ')}: use -r ses`
    }
  }
  if (relay === 'sesv2' && sourceArn !== undefined && fromArn !== undefined && sourceArn !== fromArn) {
    const both = `${flagNames('source-arn')} and ${flagNames('from-arn')}`
    return `-r sesv2 has one ARN for the source and the From header: ${both} must be equal`
  }
  if (settings.sendRate === 'auto' && relay !== 'ses' && relay !== 'sesv2') {
    return `${flagNames('send-rate')} auto needs -r ses or -r sesv2`
  }
  return undefined
}

/**
 * Workers divide the limits of the program between them. A worker with a share of zero could not serve
 * clients.
 */
function validateWorkers({
  workers,
  upstreamConnections,
  maxConnections,
}: ValidatedSettings): string | undefined {
  const needs = (name: Name) =>
    `--workers ${workers} needs ${flagNames(name)} of at least ${workers}, one per worker`
  if (upstreamConnections < workers) return needs('upstream-connections')
  if (maxConnections < workers) return needs('max-connections')
  return undefined
}

const sesOptions = ['configuration-set', 'source-arn', 'from-arn', 'return-path-arn', 'tags'] as const

const usedOptions: Readonly<Record<ResolvedSettings['relay'], readonly Name[]>> = {
  ses: [...sesOptions, 'send-rate'],
  sesv2: [...sesOptions, 'send-rate'],
  pinpoint: ['send-rate', 'pinpoint-application-id'],
  maildir: [],
  discard: [],
}

function given(values: Values, names: readonly Name[]): readonly Name[] {
  return names.filter(name => values[name] !== undefined)
}
