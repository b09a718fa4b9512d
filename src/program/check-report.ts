import type { X509Certificate } from 'node:crypto'
import { addressText, type Settings } from '../config/index.ts'
import { escapeForTerminal } from '../support/escape.ts'
import { formatBytes } from '../support/format-bytes.ts'
import { backendText } from './startup-messages.ts'

/** A certificate that expires within fewer days should have been renewed. */
const minDaysLeft = 14
const dayMs = 86_400_000

/** What `--check` has found, besides the settings. */
export interface CheckResults {
  /** The certificate for clients. */
  readonly certificate: Pick<X509Certificate, 'subject' | 'subjectAltName' | 'validTo'> | undefined
  /** Bytes of the largest message that is accepted. */
  readonly messageBytes: number
  /** What the backend's check found, a line each. */
  readonly backend: readonly string[]
}

/** Returns what `--check` writes if the configuration works: one fact per line, without secrets. */
export function checkReport(settings: Settings, results: CheckResults, now = new Date()): readonly string[] {
  const { maxRecipients, maxConnections, maxConnectionsPerIp, messageMemoryBytes, workers, sendRate } =
    settings
  const perIp = Number.isFinite(maxConnectionsPerIp) ? `${maxConnectionsPerIp}` : 'no limit'
  return [
    'Configuration OK',
    `Listen addresses: ${settings.listen.map(addressText).join(', ')}`,
    `TLS: ${tlsText(settings)}`,
    ...(results.certificate === undefined
      ? []
      : [`Certificate: ${certificateText(results.certificate, now)}`]),
    `Allowed clients: ${clientsText(settings)}`,
    ...filterTexts(settings),
    ...(settings.trustedProxies === undefined ? [] : [`Load balancers: ${settings.trustedProxies}`]),
    `Backend: ${backendText(settings)}`,
    ...results.backend,
    ...(sendRate === undefined
      ? []
      : [`Send rate: ${sendRate === 'auto' ? "the account's quota" : `${sendRate} recipients per second`}`]),
    `Message limits: ${formatBytes(results.messageBytes)}, ${maxRecipients} recipients`,
    `Connection limits: ${maxConnections} in total, ${perIp} per client address`,
    `Message memory: ${formatBytes(messageMemoryBytes)}`,
    ...(workers === 1 ? [] : [`Workers: ${workers}, which share these limits`]),
  ].map(escapeForTerminal)
}

/** Returns what `--check` warns of: it works today, but should be changed. */
export function checkWarnings({ certificate }: CheckResults, now = new Date()): readonly string[] {
  if (certificate === undefined) return []
  const days = daysLeft(certificate, now)
  if (days < 0) return ['The TLS certificate has expired']
  return days < minDaysLeft ? [`The TLS certificate expires in ${daysText(days)}`] : []
}

function tlsText({ tls, requireTls, listen }: Settings): string {
  if (tls === undefined) return 'none'
  if (listen.every(({ implicitTls }) => implicitTls)) return 'implicit'
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
    ...(access.user === undefined ? [] : [`user ${access.user.name}`]),
    ...(usersFile === undefined ? [] : [`the users of ${usersFile}`]),
  ]
  const who = users.length === 0 ? 'without login' : users.join(' and ')
  return `${who}, from ${access.addresses === undefined ? 'any address' : access.addresses}`
}

function filterTexts({ filters: { allowFrom, denyTo, allowTo } }: Settings): readonly string[] {
  const texts = { 'Allowed senders': allowFrom, 'Denied recipients': denyTo, 'Allowed recipients': allowTo }
  return Object.entries(texts).flatMap(([what, text]) => (text === undefined ? [] : [`${what}: ${text}`]))
}
