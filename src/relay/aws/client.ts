import { Agent } from 'node:https'
import { Socket } from 'node:net'
import { withTimeout } from '../../support/timeout.ts'
import { inspectError, logText } from '../errors/error-info.ts'
import type { CallControl } from './prepared-call.ts'

/** The settings of HTTP calls to AWS. */
export interface Upstream {
  /** The URL of the service. If left out: `AWS_ENDPOINT_URL_SES` (of the service), `AWS_ENDPOINT_URL`, or the URL of AWS. */
  readonly endpoint?: string
  /** For example `eu-west-1`. If left out, the SDK resolves it. */
  readonly region?: string
  /** The most calls at the same time, each on its own HTTP connection (256 if left out). More calls wait. */
  readonly upstreamConnections?: number
  /** Milliseconds until a call times out (60,000 if left out): credentials, connecting and the second try included. */
  readonly upstreamTimeoutMs?: number
}

/** Returns the most messages that may be sent at the same time. */
export function maxConcurrentCalls({ upstreamConnections = 256 }: Upstream): number {
  return upstreamConnections
}

/** Milliseconds until connecting to AWS times out. The SDK counts the wait for a free connection, too. */
const connectMs = 5_000
/** Milliseconds until an unused connection is closed. AWS closes it later, possibly while the next message is sent. */
const idleMs = 20_000

/** Returns the settings with which every AWS client is created. */
export function upstreamSettings(upstream: Upstream) {
  // One connection more than messages need, for the send rate's request: no call waits inside the agent.
  const connections = { keepAlive: true, maxSockets: maxConcurrentCalls(upstream) + 1, timeout: idleMs }
  const { endpoint, region } = upstream
  return {
    ...(endpoint && { endpoint }),
    ...(region && { region }),
    // The SDK would also retry after the whole message was sent, and then the message may go out twice.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: connectMs,
      httpAgent: connections,
      httpsAgent: new NoDelayAgent(connections),
    },
  }
}

/** Turns off Nagle's algorithm, as Node.js does for HTTP only. The end of each message would wait 40 ms to be sent. */
class NoDelayAgent extends Agent {
  override createConnection(...parameters: Parameters<Agent['createConnection']>) {
    const stream = super.createConnection(...parameters)
    if (stream instanceof Socket) stream.setNoDelay()
    return stream
  }
}

/** The part of a client's configuration with the region and the credentials. */
interface AwsIdentity {
  region(): Promise<string>
  credentials(): Promise<{ readonly accessKeyId: string; readonly expiration?: Date | undefined }>
}

/**
 * Resolves region and credentials, then makes one call to AWS, within `upstreamTimeoutMs`. Returns `undefined` if AWS
 * answered 2xx and the answer broke off after that: AWS has the message, and an error would have it sent twice.
 *
 * There is an immediate second try only if no connection could be opened. A kept connection that breaks before the answer
 * is a different case: it looks the same as one that broke after AWS had accepted the message.
 */
export async function callUpstream<T>(
  identity: AwsIdentity,
  { upstreamTimeoutMs = 60_000 }: Upstream,
  call: (control: CallControl) => Promise<T>,
): Promise<T | undefined> {
  let control: CallControl | undefined
  try {
    return await withTimeout(upstreamTimeoutMs, async signal => {
      const callOnce = async () => {
        await resolveIdentity(identity)
        signal.throwIfAborted()
        control = { signal }
        return await call(control)
      }
      try {
        return await callOnce()
      } catch (error) {
        if (!connectionFailed(error) || signal.aborted) throw error
        return await callOnce()
      }
    })
  } catch (error) {
    if (control?.accepted) return undefined
    throw error
  }
}

/** Resolves what a call needs, as for a message, and returns what it found, one line each. See `check` of `Relay`. */
export async function checkIdentity(
  identity: AwsIdentity,
  { upstreamTimeoutMs = 60_000 }: Upstream,
  call: { endpoint(): Promise<string> },
): Promise<readonly string[]> {
  try {
    return await withTimeout(upstreamTimeoutMs, async () => {
      const { region, accessKeyId, expiration } = await resolveIdentity(identity)
      const until = expiration === undefined ? '' : `, until ${expiration.toISOString()}`
      return [
        `Region: ${region}`,
        `Credentials: access key ending in ${accessKeyId.slice(-4)}${until}`,
        `Endpoint: ${await call.endpoint().catch(noEndpoint)}`,
      ]
    })
  } catch (error) {
    throw new Error(logText(error))
  }
}

function noEndpoint(error: unknown): never {
  throw Object.assign(new Error(logText(error)), { name: 'EndpointError' })
}

/** Returns the send rate in an answer of AWS. @throws Error if there is none: that does not mean that there is no limit */
export function rateOf(perSecond: number | undefined): number {
  if (perSecond === undefined) throw new Error('the answer contains no send rate')
  return perSecond
}

/**
 * Resolves region and credentials as the call right after this will use them: the SDK caches both. They are resolved
 * separately because credential providers throw errors with the names and statuses of SES, which must not be reported as
 * errors of the message.
 */
async function resolveIdentity(identity: AwsIdentity) {
  const region = await identity.region()
  try {
    return { region, ...(await identity.credentials()) }
  } catch (error) {
    throw Object.assign(new Error(reasonOf(error)), { name: 'CredentialsProviderError' })
  }
}

/** Returns why there are no credentials. The message of a parser is left out: it quotes its input, which may be a key. */
function reasonOf(error: unknown): string {
  const { names, text, http } = inspectError(error)
  if (http === undefined && (names.has('SyntaxError') || text.includes('SyntaxError: '))) {
    return 'the answer with the credentials cannot be parsed'
  }
  return names.has('CredentialsProviderError') ? text : logText(error)
}

/** Returns true if there was no connection, so that nothing can have been sent. */
function connectionFailed(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { syscall, errors } = error as { syscall?: string; errors?: unknown }
  // If a host has several addresses, there is one error for each of them.
  if (Array.isArray(errors)) return errors.length > 0 && errors.every(connectionFailed)
  if (syscall === 'connect' || syscall === 'getaddrinfo') return true
  return error.name === 'TimeoutError' && error.message.includes('did not establish a connection')
}
