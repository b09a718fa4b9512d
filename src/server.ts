/** Puts the rooms together: settings go in, a server that serves them comes out. */
import type { X509Certificate } from 'node:crypto'
import { accessControl, mechanisms, requiresLogin, UsersFile } from './auth/index.ts'
import { connectionMemory } from './config/connection-memory.ts'
import type { Settings } from './config/index.ts'
import { probeSourceAddress } from './config/probe-address.ts'
import { readProcessLimits } from './config/process-limits.ts'
import type { EventHandlers, GaugeSources } from './operations/index.ts'
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
import {
  CertificateFiles,
  defaultTimeouts,
  maxTimerMs,
  rateLimitKey,
  type SecureContext,
  Server,
} from './transport/index.ts'

/** What an assembly is given besides the settings; all of it may be left out. */
export interface BuildOptions {
  /** Hears what happens. */
  readonly handlers?: EventHandlers
  /** Hears what the operator should know, a sentence at a time. */
  readonly onNotice?: (sentence: string) => void
  /** Hears of faults of the program itself. */
  readonly onError?: (fault: unknown) => void
  /** Hears of load balancers whose PROXY header was not one: the balancer's address, and why. */
  readonly onProxyError?: (proxy: string, reason: string) => void
  /** Takes the mails instead of the relay of the settings. */
  readonly relay?: Relay | undefined
  /** What a TLS handshake that begins now uses, instead of the files of the settings. */
  readonly secureContext?: (() => SecureContext) | undefined
}

/** A server that is ready to listen, and what else an operator may ask of it. */
export interface ServerParts {
  readonly server: Server
  readonly relay: Relay
  /** Of the largest mail that is taken. */
  readonly messageBytes: number
  /** The certificate that clients are shown; `undefined` where there is none, or it is in no file. */
  readonly certificate: X509Certificate | undefined
  /** What can be read off at any time. */
  readonly gauges: GaugeSources
  /** Reads the certificate again; without effect where there is none. */
  reloadCertificate(): void
  /** Stops what goes on besides connections: looking for a new certificate, asking for the quota. */
  dispose(): void
}

/**
 * Opens everything that the settings name.
 * @throws Error with a sentence for the operator when something cannot be opened
 */
export async function buildServer(settings: Settings, surroundings: BuildOptions = {}): Promise<ServerParts> {
  const { handlers = {}, onNotice = () => {}, onError = () => {}, onProxyError = () => {} } = surroundings
  const certificate = settings.tls === undefined ? undefined : new CertificateFiles(settings.tls)
  const secureContext = surroundings.secureContext ?? (certificate && (() => certificate.context))
  const rules = await compileRules(settings.filters)
  const access = {
    ...settings.access,
    users:
      settings.usersFile === undefined
        ? undefined
        : await UsersFile.open(settings.usersFile, {
            compile: compileExpression,
            otherUser: settings.access.user?.name,
            onError: error => onNotice(`${error.message}; the users that were read before stay`),
          }),
  }
  const relay = surroundings.relay ?? (await openRelay(settings))
  const { hostname, service, messageMemoryBytes, maxWaitMs, trustedProxies } = settings
  const messageBytes = settings.maxMessageBytes ?? relay.maxMessageBytes
  const largestBytes = worstCaseBytes(relay, messageBytes)
  if (messageMemoryBytes < minBudgetBytes(largestBytes))
    throw tooLittleMemory(settings, messageBytes, largestBytes)
  const budget = new MemoryBudget({
    totalBytes: messageMemoryBytes,
    largestBytes,
    maxWaitMs,
    clientOf: rateLimitKey,
  })
  const memory = connectionMemory(readProcessLimits(), {
    messageBytes: messageMemoryBytes,
    connections: settings.maxConnections,
    workers: settings.workers,
    residentBytes: process.memoryUsage.rss(),
  })
  if (memory.warning !== undefined) onNotice(memory.warning)
  const shown = certificate?.certificate()
  const gate = accessControl(access, {
    onEvent(event) {
      // A health check connects every few seconds, and its address need not be in `--allow-ips`. It causes no other
      // event. Since any process of this machine may use its address, all other events are logged.
      const expected = event.type === 'addressNotAllowed' && event.client.address === probeSourceAddress
      if (!expected) handlers.access?.(event)
    },
  })
  const { pace: rateLimiter, letGo } = createRateLimiter(settings, relay, onNotice)
  const filtered = Object.values(rules).some(rule => rule !== undefined)
  // A watcher may be an object with a class.
  const mailWitness = handlers.mail?.bind(handlers)
  const host: Host = {
    ...composeHosts(gate, filtered ? filter(rules, mailWitness) : {}),
    ...dispatcher(relay, { hostname, service, maxWaitMs, rateLimiter, budget, rateLimitKey }, mailWitness),
  }

  function reloadCertificate(): void {
    if (certificate === undefined) return
    try {
      certificate.reload()
      onNotice('TLS certificate read again')
    } catch (error) {
      onNotice(`${(error as Error).message}; the certificate that was read before stays in use`)
    }
  }

  // However many calls a mail takes, the backend's own limit ends first, and its reply is the better one.
  const calls = Math.ceil(settings.maxRecipients / (relay.maxRecipientsPerCall ?? Number.POSITIVE_INFINITY))
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
      limits: {
        ...defaultLimits,
        messageBytes,
        recipients: settings.maxRecipients,
      },
    },
    host,
    timeouts: {
      ...defaultTimeouts,
      idleMs: settings.idleTimeoutMs,
      messageMs: settings.dataTimeoutMs,
      hostMs: Math.min(
        Math.max(defaultTimeouts.hostMs, maxWaitMs + (calls + 1) * settings.upstreamTimeoutMs),
        maxTimerMs,
      ),
    },
    onOverload: closed =>
      onNotice(
        `Overload: ${closed} ${closed === 1 ? 'connection was' : 'connections were'} closed (421 4.3.2) to make room for others, ` +
          'those first that were silent and unknown; see docs/scaling.md',
      ),
    connectionBytes: () => memory.bytes(budget.usedBytes),
    connectionLimits: { total: settings.maxConnections, perAddress: settings.maxConnectionsPerIp },
    ...(secureContext !== undefined && { secureContext }),
    ...(trustedProxies !== undefined && { isTrustedProxy: address => trustedProxies.has(address) }),
    onEvent: handlers.traffic?.bind(handlers),
    onProxyError,
    onError,
  })
  // Last, so that nothing goes on where something before it failed.
  certificate?.watch(reloadCertificate)
  const gauges: GaugeSources = {
    connections: () => server.connections,
    receivedBytes: () => server.receivedBytes,
    memory: budget,
    certificateExpiry: certificate && (() => certificate.expiresAt),
  }
  return {
    server,
    relay,
    messageBytes,
    certificate: shown,
    gauges,
    reloadCertificate,
    dispose() {
      certificate?.unwatch()
      letGo()
    },
  }
}

/** Such a mail would be refused for now each time that it comes, and its client would never know why. */
function tooLittleMemory(
  { messageMemoryBytes, workers }: Settings,
  messageBytes: number,
  largestBytes: number,
): Error {
  const each = workers > 1 ? ` for each of ${workers} workers` : ''
  const least = minBudgetBytes(largestBytes)
  return new Error(
    `--memory (${messageMemoryBytes} bytes${each}) cannot hold one mail of the largest size: ${messageBytes} bytes may take ` +
      `${largestBytes} in memory, and ${least - largestBytes} are kept for small messages; ` +
      `raise --memory to ${least * workers} or lower --max-size`,
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

/** How fast mail may be handed on, and how to stop asking; what stays on this machine or goes nowhere needs no pace. */
function createRateLimiter(
  { relay, sendRate, workers }: Settings,
  upstream: Relay,
  warn: (text: string) => void,
): { readonly pace: RateLimiter; letGo(): void } {
  const letGo = () => {}
  if (relay === 'maildir' || relay === 'discard') return { pace: new RateLimiter(), letGo }
  if (sendRate !== 'auto') return { pace: new RateLimiter(sendRate), letGo }
  if (upstream.sendRate === undefined) {
    throw new Error(`The relay ${upstream.name} knows of no send rate: auto is not possible`)
  }
  const pace = new RateLimiter()
  // Every worker sends, and has a part of what the account may send.
  const ask = async () => (await upstream.sendRate!()) / workers
  return { pace, letGo: trackSendQuota(pace, { ask, warn }) }
}

/** Two hosts as one: where both decide, the second one is asked if the first one consents. */
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
      return answer.then(verdict => verdict ?? next(question, client))
    },
  }
}
