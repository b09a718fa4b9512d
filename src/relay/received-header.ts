import type { Client } from '../protocol/index.ts'

/** What the `Received` header says about a message. */
export interface ReceivedInfo {
  /** The client that sent it. */
  readonly client: Client
  /** All envelope recipients. */
  readonly recipients: readonly string[]
  /** MAIL had the parameter SMTPUTF8 (RFC 6531). */
  readonly utf8: boolean
  /** This server's host name. */
  readonly hostname: string
  /** The name of the service. */
  readonly service: string
  /** This server's ID of the message. */
  readonly id: string
  /** When its content began to arrive. */
  readonly time: Date
}

/**
 * Formats the `Received` header of one message (RFC 5321 section 4.4), with CRLF at the end of each line. Characters of the
 * client's name that have no place there are replaced, so that a client cannot forge headers. `for` is added only if there
 * is a single recipient: it would disclose Bcc recipients to the others.
 */
export function receivedHeader(info: ReceivedInfo): string {
  const { client, hostname, service, id, recipients, time } = info
  const lines = [
    `Received: from ${domain(client.name)} (${addressLiteral(client.address)})`,
    `by ${domain(hostname)} (${comment(service)})`,
    `with ${protocol(info)} id ${domain(id)}`,
  ]
  const [only] = recipients
  if (only !== undefined && recipients.length === 1 && isPlain(only)) lines.push(`for <${only}>`)
  return `${lines.join('\r\n\t')};\r\n\t${dateTime(time)}\r\n`
}

/** The transmission type of RFC 3848 or RFC 6531 section 4.3. After HELO it is always SMTP. */
function protocol({ client: { extended, secure, user }, utf8 }: ReceivedInfo): string {
  if (!extended) return 'SMTP'
  return `${utf8 ? 'UTF8' : 'E'}SMTP${secure ? 'S' : ''}${user === undefined ? '' : 'A'}`
}

/** Formats a date-time of RFC 5322 section 3.3, in UTC. */
function dateTime(time: Date): string {
  return time.toUTCString().replace('GMT', '+0000')
}

function domain(name: string | undefined): string {
  return name?.slice(0, 255).replace(/[^A-Za-z0-9.:_[\]-]/g, '?') || 'unknown'
}

function addressLiteral(address: string): string {
  const valid = address.slice(0, 45).replace(/[^0-9A-Fa-f:.]/g, '?')
  return valid.includes(':') ? `[IPv6:${valid}]` : `[${valid}]`
}

/** Returns text that is valid in parentheses (`ctext` of RFC 5322 section 3.2.2). */
function comment(text: string): string {
  return text.slice(0, 200).replace(/[^ -~]|[()\\]/g, '?')
}

/** Returns true for an address that needs no quoting and fits in a line. */
function isPlain(address: string): boolean {
  return (
    address.length <= 320 &&
    /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@(?:[A-Za-z0-9.-]+|\[[A-Za-z0-9:.]+\])$/.test(address)
  )
}
