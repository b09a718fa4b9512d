import { Agent } from 'node:https'
import { Socket } from 'node:net'
import { inspectError, logText } from '../errors/error-info.ts'
import type { CallControl } from './prepared-call.ts'

/** Where and how HTTP calls to AWS are made. */
export interface Upstream {
  /** Where the service is, as a URL; `AWS_ENDPOINT_URL` and the same for one service (`AWS_ENDPOINT_URL_SES`) say it too. */
  readonly endpoint?: string
  /** For example `eu-west-1`; the SDK finds it if left out. */
  readonly region?: string
  /** Calls at once, each on its HTTP connection (256 if left out); calls beyond wait for their turn. */
  readonly upstreamConnections?: number
  /** Milliseconds until a call is given up (60,000 if left out): credentials, connecting and the second try included. */
  readonly upstreamTimeoutMs?: number
}

/** Mails that are sent at once. */
export function maxConcurrentCalls({ upstreamConnections = 256 }: Upstream): number {
  return upstreamConnections
}

/** Milliseconds that connecting to AWS may take. The SDK counts the wait for a free connection, too. */
const connectMs = 5_000
/** Milliseconds after which an unused connection is closed: by us, before AWS does it under the next mail. */
const unusedMs = 20_000

/** What every AWS client is made with. */
export function upstreamSettings(upstream: Upstream) {
  // Operators read what this program says; which Node.js a later SDK will want is not for them.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
  // One more than the mails need, for the question about the send rate: nobody waits inside the agent.
  const connections = { keepAlive: true, maxSockets: maxConcurrentCalls(upstream) + 1, timeout: unusedMs }
  const { endpoint, region } = upstream
  return {
    ...(endpoint && { endpoint }),
    ...(region && { region }),
    // The SDK's own retry comes also after the whole mail was sent, and then the mail may go out twice.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: connectMs,
      httpAgent: connections,
      httpsAgent: new NoDelayAgent(connections),
    },
  }
}

/** Node.js turns Nagle's algorithm off for HTTP, not for HTTPS: there the end of each mail would wait 40 ms to be sent. */
class NoDelayAgent extends Agent {
  override createConnection(...connection: Parameters<Agent['createConnection']>) {
    const stream = super.createConnection(...connection)
    if (stream instanceof Socket) stream.setNoDelay()
    return stream
  }
}

/** The part of a client's configuration that says where and as whom it calls. */
interface AwsIdentity {
  region(): Promise<string>
  credentials(): Promise<{ readonly accessKeyId: string; readonly expiration?: Date | undefined }>
}

/**
 * Makes one call to AWS in the time allowed, once region and credentials are there. Resolves to `undefined` if AWS said
 * 2xx and its answer broke off after that: it has the message, and to say otherwise would have it sent twice.
 *
 * There is a second try, at once, only if the first one reached nobody. A kept connection that breaks before the
 * answer is not such a case: from here it looks the same as one that broke after AWS had taken the mail.
 */
export async function callUpstream<T>(
  standing: AwsIdentity,
  { upstreamTimeoutMs = 60_000 }: Upstream,
  call: (attempt: CallControl) => Promise<T>,
): Promise<T | undefined> {
  let attempt: CallControl | undefined
  try {
    return await withTimeout(upstreamTimeoutMs, async signal => {
      const go = async () => {
        await resolveIdentity(standing)
        signal.throwIfAborted()
        attempt = { signal }
        return await call(attempt)
      }
      try {
        return await go()
      } catch (error) {
        if (!connectionFailed(error) || signal.aborted) throw error
        return await go()
      }
    })
  } catch (error) {
    if (attempt?.accepted) return undefined
    throw error
  }
}

/** Looks for all that a call needs, as for a mail, and says what it found. See `check` of the port `Relay`. */
export async function checkIdentity(
  standing: AwsIdentity,
  { upstreamTimeoutMs = 60_000 }: Upstream,
  operation: { endpoint(): Promise<string> },
): Promise<readonly string[]> {
  try {
    return await withTimeout(upstreamTimeoutMs, async () => {
      const { region, accessKeyId, expiration } = await resolveIdentity(standing)
      const until = expiration === undefined ? '' : `, until ${expiration.toISOString()}`
      return [
        `Region: ${region}`,
        `Credentials: access key ending in ${accessKeyId.slice(-4)}${until}`,
        `Endpoint: ${await operation.endpoint().catch(noEndpoint)}`,
      ]
    })
  } catch (error) {
    throw new Error(logText(error))
  }
}

function noEndpoint(error: unknown): never {
  throw Object.assign(new Error(logText(error)), { name: 'EndpointError' })
}

/** The send rate in an answer of AWS. An answer without one is an error: it does not say that there is no limit. */
export function rateOf(perSecond: number | undefined): number {
  if (perSecond === undefined) throw new Error('the answer with the send rate cannot be read')
  return perSecond
}

/**
 * Region and credentials, as the call right after this will use them: the SDK keeps both. It asks here because who hands
 * out credentials has errors of the same names and statuses as the service, and they are no judgement on a mail.
 */
async function resolveIdentity(standing: AwsIdentity) {
  const region = await standing.region()
  try {
    return { region, ...(await standing.credentials()) }
  } catch (error) {
    throw Object.assign(new Error(reasonOf(error)), { name: 'CredentialsProviderError' })
  }
}

/** Why there are no credentials. What a parser says is left out: it quotes what it read, which may be a key. */
function reasonOf(error: unknown): string {
  const { names, text, http } = inspectError(error)
  if (http === undefined && (names.has('SyntaxError') || text.includes('SyntaxError: '))) {
    return 'the answer with the credentials cannot be read'
  }
  return names.has('CredentialsProviderError') ? text : logText(error)
}

/** Gives up after `ms` whatever the work is waiting for; not everything in the SDK heeds the signal. */
async function withTimeout<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(Object.assign(new Error(`no answer within ${ms} ms`), { name: 'TimeoutError' }))
      abort.abort()
    }, ms)
  })
  try {
    return await Promise.race([work(abort.signal), late])
  } finally {
    clearTimeout(timer)
  }
}

/** True if there was no connection, so that nothing can have been sent. */
function connectionFailed(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { syscall, errors } = error as { syscall?: string; errors?: unknown }
  // A host with several addresses: one error for each of them.
  if (Array.isArray(errors)) return errors.length > 0 && errors.every(connectionFailed)
  if (syscall === 'connect' || syscall === 'getaddrinfo') return true
  return error.name === 'TimeoutError' && error.message.includes('did not establish a connection')
}
