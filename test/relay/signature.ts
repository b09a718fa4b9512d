import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** What a stand-in knows about an access key. */
export interface Account {
  readonly secret: string
  /** Of temporary credentials. */
  readonly token?: string | undefined
}

/** An error of AWS: its code and what it says. */
export interface Complaint {
  readonly code: string
  readonly message: string
}

/** Minutes that a signature may be old or early. */
const skewMinutes = 15

/**
 * Checks a request's AWS Signature Version 4 as AWS does: which key signed it, when, for which service, and that method, path,
 * query, signed headers and body are as they were signed. Written from the specification, not with the SDK's signer.
 */
export function checkSignature(
  request: IncomingMessage,
  body: Buffer,
  service: string,
  accounts: ReadonlyMap<string, Account>,
): Complaint | undefined {
  const { authorization = '', host } = request.headers
  const [, key, day, region, scopeService, signedNames = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? []
  if (key === undefined)
    return { code: 'MissingAuthenticationToken', message: `not signed: ${authorization}` }
  const account = accounts.get(key)
  if (account === undefined || header(request, 'x-amz-security-token') !== (account.token ?? '')) {
    return { code: 'InvalidClientTokenId', message: 'The security token included in the request is invalid.' }
  }
  const wrong = (message: string) => ({ code: 'SignatureDoesNotMatch', message })
  const names = signedNames.split(';')
  const needed = ['host', 'x-amz-date', ...(account.token === undefined ? [] : ['x-amz-security-token'])]
  if (host === undefined || !needed.every(name => names.includes(name)))
    return wrong(`signed: ${signedNames}`)
  if (scopeService !== service) return wrong(`for ${scopeService}, this is ${service}`)
  const date = header(request, 'x-amz-date')
  if (!date.startsWith(day!)) return wrong(`${date} is not on ${day}`)
  const minutes = (Date.now() - Date.parse(date.replace(/^(.{4})(..)(.{5})(..)/, '$1-$2-$3:$4:'))) / 60_000
  if (!(Math.abs(minutes) < skewMinutes)) return { code: 'RequestExpired', message: `${date} is not now` }

  const bodyHash = sha256(body)
  const signedHash = header(request, 'x-amz-content-sha256')
  if (signedHash !== '' && signedHash !== bodyHash) return wrong('the body is not what was hashed')
  const url = new URL(request.url!, 'http://stand-in')
  const canonical = [
    request.method,
    // Escaped once by the client, and once more for the signature.
    url.pathname.split('/').map(escaped).join('/'),
    [...url.searchParams]
      .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
      .sort()
      .join('&'),
    ...names.map(name => `${name}:${header(request, name).trim().replace(/ +/g, ' ')}`),
    '',
    signedNames,
    bodyHash,
  ].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const signing = [day!, region!, service, 'aws4_request'].reduce<Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    Buffer.from(`AWS4${account.secret}`),
  )
  const expected = createHmac('sha256', signing)
    .update(`AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(Buffer.from(canonical))}`)
    .digest()
  if (timingSafeEqual(expected, Buffer.from(signature, 'hex'))) return undefined
  // AWS shows what it reckoned with, and with it the session token: no log may.
  return wrong(
    `The request signature we calculated does not match.\n\nThe Canonical String should have been\n'${canonical}'`,
  )
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name] ?? ''
  return typeof value === 'string' ? value : value.join(',')
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
