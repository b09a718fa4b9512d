import type { X509Certificate } from 'node:crypto'
import type { Settings } from '../config/index.ts'
import { escapeForTerminal } from '../support/escape.ts'
import { addressText, destination } from './startup-messages.ts'

/** A certificate that has fewer days left than this should have been renewed. */
const leastDays = 14
const dayMs = 86_400_000

/** What was found besides the settings. */
export interface CheckResults {
  /** The certificate that clients would be shown. */
  readonly certificate: Pick<X509Certificate, 'subject' | 'subjectAltName' | 'validTo'> | undefined
  /** Of the largest mail. */
  readonly messageBytes: number
  /** Of the backend, a line each. */
  readonly backend: readonly string[]
}

/** What `--check` says where nothing is wrong: a fact a line, and no secret. */
export function checkReport(settings: Settings, findings: CheckResults, now = new Date()): readonly string[] {
  const { maxRecipients, maxConnections, maxConnectionsPerIp, messageMemoryBytes, workers, sendRate } =
    settings
  const perAddress = Number.isFinite(maxConnectionsPerIp) ? `${maxConnectionsPerIp}` : 'any number'
  return [
    'The settings are right',
    `Listens on: ${settings.listen.map(addressText).join(', ')}`,
    `TLS: ${tlsText(settings)}`,
    ...(findings.certificate === undefined
      ? []
      : [`Certificate: ${certificateText(findings.certificate, now)}`]),
    `Who may send: ${clientsText(settings)}`,
    ...filterTexts(settings),
    ...(settings.trustedProxies === undefined ? [] : [`Load balancers: ${settings.trustedProxies}`]),
    `Mail goes to: ${destination(settings)}`,
    ...findings.backend,
    ...(sendRate === undefined
      ? []
      : [`Send rate: ${sendRate === 'auto' ? "the account's quota" : `${sendRate} recipients a second`}`]),
    `Largest mail: ${bytesText(findings.messageBytes)}, for ${maxRecipients} recipients at most`,
    `Connections: ${maxConnections} at once, ${perAddress} of them from one address`,
    `Memory: ${bytesText(messageMemoryBytes)} for the mails that come in at once`,
    ...(workers === 1 ? [] : [`Workers: ${workers}, which share all this`]),
  ].map(escapeForTerminal)
}

/** What `--check` warns of: it works today. */
export function checkWarnings({ certificate }: CheckResults, now = new Date()): readonly string[] {
  if (certificate === undefined) return []
  const days = daysLeft(certificate, now)
  if (days < 0) return ['The TLS certificate has expired']
  return days < leastDays ? [`The TLS certificate expires in ${daysText(days)}`] : []
}

function tlsText({ tls, requireTls, listen }: Settings): string {
  if (tls === undefined) return 'none'
  if (listen.every(({ implicitTls }) => implicitTls)) return 'from the first byte on'
  return requireTls ? 'STARTTLS, required' : 'STARTTLS, offered'
}

function certificateText(certificate: NonNullable<CheckResults['certificate']>, now: Date): string {
  const { subject, subjectAltName, validTo } = certificate
  const names = [(subject ?? '').replaceAll('\n', ', '), subjectAltName ?? ''].filter(text => text !== '')
  const day = new Date(validTo).toISOString().slice(0, 10)
  const days = daysLeft(certificate, now)
  return `${names.join(', ')}, until ${day}, ${days < 0 ? 'expired' : `${daysText(days)} left`}`
}

function daysLeft({ validTo }: NonNullable<CheckResults['certificate']>, now: Date): number {
  return Math.floor((Date.parse(validTo) - now.getTime()) / dayMs)
}

function daysText(days: number): string {
  return days === 1 ? '1 day' : `${days} days`
}

function clientsText({ access, usersFile }: Settings): string {
  const users = [
    ...(access.user === undefined ? [] : [access.user.name]),
    ...(usersFile === undefined ? [] : [`the users of ${usersFile}`]),
  ]
  const who = users.length === 0 ? 'everybody' : users.join(' and ')
  return `${who}, ${access.addresses === undefined ? 'from anywhere' : `from ${access.addresses}`}`
}

function filterTexts({ filters: { allowFrom, denyTo, allowTo } }: Settings): readonly string[] {
  const texts = {
    'Senders that are allowed': allowFrom,
    'Recipients that are denied': denyTo,
    'Recipients that are allowed': allowTo,
  }
  return Object.entries(texts).flatMap(([what, text]) => (text === undefined ? [] : [`${what}: ${text}`]))
}

function bytesText(bytes: number): string {
  const mebibytes = bytes / 1024 ** 2
  return mebibytes >= 1 ? `${Number(mebibytes.toFixed(1))} MiB` : `${bytes} bytes`
}
