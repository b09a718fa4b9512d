import type { Client } from '../protocol/host.ts'

/** What this server knows of a mail's arrival. */
export interface ReceivedInfo {
  /** Who brought it. */
  readonly client: Client
  /** The envelope recipients, all of them. */
  readonly recipients: readonly string[]
  /** The client asked for SMTPUTF8 (RFC 6531). */
  readonly utf8: boolean
  /** The name this server goes by. */
  readonly hostname: string
  /** The name of the service. */
  readonly service: string
  /** The name this server gave the mail. */
  readonly id: string
  /** When its content began to come. */
  readonly time: Date
}

/**
 * The `Received` header of one mail (RFC 5321 section 4.4), CRLF at the end of each line. What the client said about
 * itself is cleansed, so that it can forge no header. `for` is there for a single recipient only: it would tell the
 * others who was in Bcc.
 */
export function receivedHeader(arrival: ReceivedInfo): string {
  const { client, hostname, service, id, recipients, time } = arrival
  const lines = [
    `Received: from ${domain(client.name)} (${addressLiteral(client.address)})`,
    `by ${domain(hostname)} (${comment(service)})`,
    `with ${protocol(arrival)} id ${domain(id)}`,
  ]
  const [only, ...others] = recipients
  if (only !== undefined && others.length === 0 && isPlain(only)) lines.push(`for <${only}>`)
  return `${lines.join('\r\n\t')};\r\n\t${dateTime(time)}\r\n`
}

/** The transmission type of RFC 3848 or RFC 6531 section 4.3. Only clients that said EHLO have more than one. */
function protocol({ client: { extended, secure, user }, utf8 }: ReceivedInfo): string {
  if (!extended) return 'SMTP'
  return `${utf8 ? 'UTF8' : 'E'}SMTP${secure ? 'S' : ''}${user === undefined ? '' : 'A'}`
}

/** The date-time of RFC 5322 section 3.3, always in UTC. */
function dateTime(time: Date): string {
  return time.toUTCString().replace('GMT', '+0000')
}

function domain(name: string | undefined): string {
  return name?.slice(0, 255).replace(/[^A-Za-z0-9.:_[\]-]/g, '?') || 'unknown'
}

function addressLiteral(address: string): string {
  const cleansed = address.slice(0, 45).replace(/[^0-9A-Fa-f:.]/g, '?')
  return cleansed.includes(':') ? `[IPv6:${cleansed}]` : `[${cleansed}]`
}

/** Text that may stand in parentheses (`ctext` of RFC 5322 section 3.2.2). */
function comment(text: string): string {
  return text.slice(0, 200).replace(/[^ -~]|[()\\]/g, '?')
}

/** True for an address that needs no quoting and fits in a line. */
function isPlain(address: string): boolean {
  return (
    address.length <= 320 &&
    /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@(?:[A-Za-z0-9.-]+|\[[A-Za-z0-9:.]+\])$/.test(address)
  )
}
