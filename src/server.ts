/** Builds a server from settings. The only module that knows all the others. */
import type { X509Certificate } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { type AccessEvent, accessControl, mechanisms, requiresLogin, UsersFile } from './auth/index.ts'
import { connectionMemory, listenOrExplain, readProcessLimits, type Settings } from './config/index.ts'
import type { GaugeSources, RelayEvent } from './operations/index.ts'
import { type Answer, defaultLimits, type Host } from './protocol/index.ts'
import {
  compileExpression,
  compileRules,
  discard,
  dispatcher,
  filter,
  MemoryBudget,
  maildir,
  minBudgetBytes,
  pinpoint,
  RateLimiter,
  type Relay,
  ses,
  sesv2,
  trackSendQuota,
  worstCaseBytes,
} from './relay/index.ts'
import { type EventHandler, emit } from './support/emit.ts'
import {
  CertificateFiles,
  type ConnectionEvent,
  defaultTimeouts,
  type Listener,
  maxTimerMs,
  rateLimitKey,
  type SecureContext,
  Server,
} from './transport/index.ts'

/** What `buildServer` takes besides the settings. Everything may be left out. */
export interface BuildOptions {
  /** Called with everything that happens. */
  readonly onEvent?: EventHandler<RelayEvent> | undefined
  /**
   * False: `onEvent` does not get connection events (opened, each reply, closed). They cost time for each reply, and the
   * log needs them only with `--verbose`. True if left out.
   */
  readonly connectionEvents?: boolean
  /** True for the source address of a health probe. A probe that `--allow-ips` refuses is no event. */
  readonly isHealthProbe?: (address: string) => boolean
  /** Delivers messages, in place of the backend of the settings. */
  readonly relay?: Relay | undefined
  /** Returns the certificate and key for the next TLS handshake, in place of the files of the settings. */
  readonly secureContext?: (() => SecureContext) | undefined
}

/** A server that is ready to listen, and what else the program or an application needs of it. */
export interface ServerParts {
  readonly server: Server
  readonly relay: Relay
  /** Bytes of the largest message that is accepted. */
  readonly messageBytes: number
  /** The certificate for clients; `undefined` without TLS, or if it does not come from a file. */
  readonly certificate: X509Certificate | undefined
  /** Values that can be read at any time. */
  readonly gauges: GaugeSources
  /**
   * Listens on an address. The first call also starts to follow the account's quota for `--send-rate auto`.
   * @throws Error with a sentence for the operator
   */
  listen(listener: Listener): Promise<AddressInfo>
  /** Reads the certificate files again. Has no effect without them. */
  reloadCertificate(): void
  /** Stops what runs besides connections: watching the certificate files, following the quota. */
  dispose(): void
}

/**
 * Opens everything that the settings name: files, filters, the backend. Does not listen, and does not call AWS.
 * @throws Error with a sentence for the operator if something cannot be opened
 */
export async function buildServer(settings: Settings, options: BuildOptions = {}): Promise<ServerParts> {
  const { onEvent } = options
  const notify = (text: string) => emit(onEvent, { type: 'notice', text })
  const certificate = settings.tls === undefined ? undefined : new CertificateFiles(settings.tls)
  const secureContext = options.secureContext ?? (certificate && (() => certificate.context))
  const rules = await compileRules(settings.filters)
  const access = { ...settings.access, users: await openUsers(settings, notify) }
  const relay = options.relay ?? (await openRelay(settings))
  const { hostname, service, maxWaitMs, trustedProxies } = settings
  const messageBytes = settings.maxMessageBytes ?? relay.maxMessageBytes
  const budget = createBudget(settings, relay, messageBytes)
  const memory = connectionMemory(readProcessLimits(), {
    messageBytes: settings.messageMemoryBytes,
    connections: settings.maxConnections,
    workers: settings.workers,
    residentBytes: process.memoryUsage.rss(),
  })
  if (memory.warning !== undefined) notify(memory.warning)
  const { rateLimiter, trackQuota } = createRateLimiter(settings, relay, notify)
  const control = accessControl(access, { onEvent: event => shouldReport(event) && emit(onEvent, event) })
  const hasFilters = Object.values(rules).some(rule => rule !== undefined)
  const host: Host = {
    ...composeHosts(control, hasFilters ? filter(rules, onEvent) : {}),
    ...dispatcher(relay, { hostname, service, maxWaitMs, rateLimiter, budget, rateLimitKey }, onEvent),
  }

  // A health probe connects every few seconds, and its address need not be in `--allow-ips`. It causes no other event.
  // Since any process of this machine may use its address, all other events are reported.
  function shouldReport(event: AccessEvent): boolean {
    return event.type !== 'addressNotAllowed' || !options.isHealthProbe?.(event.client.address)
  }

  // An invalid PROXY header is reported by `onProxyError`, with the reason.
  function onConnectionEvent(event: ConnectionEvent): void {
    if (event.type !== 'rejected' || event.reason !== 'proxyHeader') emit(onEvent, event)
  }

  function reloadCertificate(): void {
    if (certificate === undefined) return
    try {
      certificate.reload()
      notify('TLS certificate reloaded')
    } catch (error) {
      notify(`${(error as Error).message}; keeping the certificate loaded earlier`)
    }
  }

  const server = new Server({
    settings: {
      hostname,
      service,
      tls: secureContext === undefined ? 'none' : settings.requireTls ? 'required' : 'offered',
      authRequired: requiresLogin(access),
      mechanisms: mechanisms(access, hostname),
      allowPlaintextAuth: settings.allowPlaintextAuth,
      smtpUtf8: relay.takesUtf8 === true,
      binaryMime: relay.takesBinary === true,
      bareNewline: settings.bareNewline,
      strictPipelining: settings.strictPipelining,
      limits: { ...defaultLimits, messageBytes, recipients: settings.maxRecipients },
    },
    host,
    timeouts: {
      ...defaultTimeouts,
      idleMs: settings.idleTimeoutMs,
      messageMs: settings.dataTimeoutMs,
      hostMs: hostTimeoutMs(settings, relay),
    },
    onOverload: closed => notify(overloadNotice(closed)),
    connectionBytes: () => memory.bytes(budget.usedBytes),
    connectionLimits: { total: settings.maxConnections, perAddress: settings.maxConnectionsPerIp },
    ...(secureContext !== undefined && { secureContext }),
    ...(trustedProxies !== undefined && { isTrustedProxy: address => trustedProxies.has(address) }),
    onEvent: onEvent !== undefined && options.connectionEvents !== false ? onConnectionEvent : undefined,
    onProxyError: (address, reason) => emit(onEvent, { type: 'proxyError', address, reason }),
    onError: error => emit(onEvent, { type: 'error', error }),
  })
  // Last, so that nothing is watched if something before it failed.
  certificate?.watch(reloadCertificate)
  const gauges: GaugeSources = {
    connections: () => server.connections,
    receivedBytes: () => server.receivedBytes,
    memory: budget,
    certificateExpiry: certificate && (() => certificate.expiresAt),
  }
  let stopTracking: (() => void) | undefined
  let disposed = false
  return {
    server,
    relay,
    messageBytes,
    certificate: certificate?.certificate(),
    gauges,
    listen(listener) {
      if (!disposed) stopTracking ??= trackQuota?.()
      return listenOrExplain({ host: undefined, implicitTls: false, ...listener }, () =>
        server.listen(listener),
      )
    },
    reloadCertificate,
    dispose() {
      disposed = true
      certificate?.unwatch()
      stopTracking?.()
    },
  }
}

async function openUsers({ usersFile, access }: Settings, notify: (text: string) => void) {
  if (usersFile === undefined) return undefined
  return UsersFile.open(usersFile, {
    compile: compileExpression,
    otherUser: access.user?.name,
    onError: error => notify(`${error.message}; keeping the users loaded earlier`),
  })
}

/** @throws Error with a sentence for the operator if the memory cannot hold the largest message */
function createBudget(settings: Settings, relay: Relay, messageBytes: number): MemoryBudget {
  const { messageMemoryBytes, maxWaitMs } = settings
  const largestBytes = worstCaseBytes(relay, messageBytes)
  if (messageMemoryBytes < minBudgetBytes(largestBytes))
    throw tooLittleMemory(settings, messageBytes, largestBytes)
  return new MemoryBudget({
    totalBytes: messageMemoryBytes,
    largestBytes,
    maxWaitMs,
    clientOf: rateLimitKey,
  })
}

/** Returns how long a client waits for an answer of the host at most, in milliseconds. */
function hostTimeoutMs(
  { maxRecipients, maxWaitMs, upstreamTimeoutMs }: Settings,
  { maxRecipientsPerCall = Number.POSITIVE_INFINITY }: Relay,
): number {
  // However many calls a message takes, the timeout of the backend must end first: its reply says more.
  const calls = Math.ceil(maxRecipients / maxRecipientsPerCall)
  const neededMs = maxWaitMs + (calls + 1) * upstreamTimeoutMs
  return Math.min(Math.max(defaultTimeouts.hostMs, neededMs), maxTimerMs)
}

function overloadNotice(closed: number): string {
  const connections = closed === 1 ? '1 connection was' : `${closed} connections were`
  return (
    `Overload: ${connections} closed (421 4.3.2) to make room for others, ` +
    'idle connections of unknown clients first; see docs/scaling.md'
  )
}

/** Without this error, the largest message would get a temporary error each time, and its client would never learn why. */
function tooLittleMemory(
  { messageMemoryBytes, workers }: Settings,
  messageBytes: number,
  largestBytes: number,
): Error {
  const each = workers > 1 ? ` for each of ${workers} workers` : ''
  const least = minBudgetBytes(largestBytes)
  return new Error(
    `--message-memory (${messageMemoryBytes} bytes${each}) cannot hold one message of the largest size: ${messageBytes} bytes may take ` +
      `${largestBytes} in memory, and ${least - largestBytes} are kept for small messages; ` +
      `raise --message-memory to ${least * workers} or lower --max-size`,
  )
}

async function openRelay(settings: Settings): Promise<Relay> {
  const { upstreamConnections, upstreamTimeoutMs, maildirPath, pinpointApplicationId = '' } = settings
  const { configurationSet, sourceArn, fromArn, returnPathArn, tags } = settings
  const upstream = {
    upstreamConnections,
    upstreamTimeoutMs,
    ...(configurationSet !== undefined && { configurationSet }),
    ...(sourceArn !== undefined && { sourceArn }),
    ...(fromArn !== undefined && { fromArn }),
    ...(returnPathArn !== undefined && { returnPathArn }),
    ...(tags !== undefined && { tags }),
  }
  switch (settings.relay) {
    case 'ses':
      return ses(upstream)
    case 'sesv2':
      return sesv2(upstream)
    case 'pinpoint':
      return pinpoint({ upstreamConnections, upstreamTimeoutMs, applicationId: pinpointApplicationId })
    case 'maildir':
      return maildir(maildirPath).catch((error: Error) => {
        throw new Error(`maildir ${maildirPath}: ${error.message}`)
      })
    case 'discard':
      return discard()
  }
}

/**
 * Returns the limit on recipients per second, and, for `--send-rate auto`, how to start following the account's quota.
 * Maildir and discard have no limit.
 * @throws Error with a sentence for the operator if the backend has no quota to follow
 */
function createRateLimiter(
  { relay: name, sendRate, workers }: Settings,
  relay: Relay,
  warn: (text: string) => void,
): { readonly rateLimiter: RateLimiter; readonly trackQuota?: () => () => void } {
  if (name === 'maildir' || name === 'discard') return { rateLimiter: new RateLimiter() }
  if (sendRate !== 'auto') return { rateLimiter: new RateLimiter(sendRate) }
  if (relay.sendRate === undefined) throw new Error(`Backend ${relay.name} does not support --send-rate auto`)
  const rateLimiter = new RateLimiter()
  // Each worker sends, and gets an equal part of the account's rate.
  const ask = async () => (await relay.sendRate!()) / workers
  return { rateLimiter, trackQuota: () => trackSendQuota(rateLimiter, { ask, warn }) }
}

/** Returns one host for two. If both have a `sender` handler, the second is asked only if the first one accepts. */
function composeHosts(first: Partial<Host>, second: Partial<Host>): Partial<Host> {
  const { sender } = first
  const { sender: next } = second
  if (sender === undefined || next === undefined) return { ...first, ...second }
  return {
    ...first,
    ...second,
    sender(question, client): Answer {
      const answer = sender(question, client)
      if (!(answer instanceof Promise)) return answer ?? next(question, client)
      return answer.then(reply => reply ?? next(question, client))
    },
  }
}
