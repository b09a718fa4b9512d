/** Puts the rooms together: settings go in, a server that serves them comes out. */
import type { X509Certificate } from 'node:crypto'
import { gatekeeper, mechanisms, requiresLogin, UsersFile } from './auth/index.ts'
import { healthSource } from './health.ts'
import {
  type Dials,
  deliveryLog,
  faultLog,
  together,
  verboseLog,
  type Watcher,
  type Writers,
} from './operations/index.ts'
import type { Settings } from './options.ts'
import { type Answer, defaultLimits, type Host } from './protocol/index.ts'
import {
  Budget,
  compileExpression,
  compileRules,
  discard,
  dispatcher,
  filter,
  followQuota,
  largestHold,
  maildir,
  Pace,
  pinpoint,
  type Relay,
  ses,
  sesv2,
} from './relay/index.ts'
import { CertificateFiles, defaultTimeouts, Server } from './transport/index.ts'

/** A server that is ready to listen, and what else an operator may ask of it. */
export interface Assembly {
  readonly server: Server
  readonly relay: Relay
  /** Of the largest mail that is taken. */
  readonly messageBytes: number
  /** The certificate that clients are shown; `undefined` where there is none. */
  readonly certificate: X509Certificate | undefined
  /** What can be read off at any time. */
  readonly dials: Dials
  /** Reads the certificate again; without effect where there is none. */
  reloadCertificate(): void
}

/**
 * Opens everything that the settings name.
 * @param writers where the log goes
 * @param note hears what the operator should know, a sentence at a time
 * @param watcher hears what happens, besides the log
 * @throws Error with a sentence for the operator when something cannot be opened
 */
export async function assemble(
  settings: Settings,
  writers: Writers,
  note: (text: string) => void,
  watcher: Watcher = {},
): Promise<Assembly> {
  const log = deliveryLog(writers)
  const watch = together([log, ...(settings.verbose ? [verboseLog(writers)] : []), watcher])
  const onFault = faultLog(writers)
  const certificate = settings.tls === undefined ? undefined : new CertificateFiles(settings.tls)
  const rules = await compileRules(settings.filters)
  const access = {
    ...settings.access,
    users:
      settings.usersPath === undefined
        ? undefined
        : await UsersFile.open(settings.usersPath, {
            compile: compileExpression,
            otherUser: settings.access.user?.name,
            onFault: error => note(`${error.message}; the users that were read before stay`),
          }),
  }
  const relay = await openRelay(settings)
  const { hostname, service, memoryBytes, patienceMs, proxies } = settings
  const messageBytes = settings.maxMessageBytes ?? relay.maxMessageBytes
  const largestBytes = largestHold(relay, messageBytes)
  if (memoryBytes < largestBytes) throw tooLittleMemory(settings, messageBytes, largestBytes)
  const budget = new Budget({ totalBytes: memoryBytes, largestBytes, patienceMs })
  const pace = paceOf(settings, relay, note)
  const gate = gatekeeper(access, {
    witness(event) {
      // It comes every few seconds, and is content with any answer.
      if (event.client.address !== healthSource) watch.access?.(event)
    },
  })
  const filtered = Object.values(rules).some(rule => rule !== undefined)
  const host: Host = {
    ...inTurn(gate, filtered ? filter(rules, watch.mail) : {}),
    ...dispatcher(relay, { hostname, service, patienceMs, pace, budget }, watch.mail),
  }

  function reloadCertificate(): void {
    if (certificate === undefined) return
    try {
      certificate.reload()
      note('TLS certificate read again')
    } catch (error) {
      note(`${(error as Error).message}; the certificate that was read before stays in use`)
    }
  }

  certificate?.watch(reloadCertificate)
  // However many calls a mail takes, the backend's own limit ends first, and its reply is the better one.
  const calls = Math.ceil(settings.maxRecipients / (relay.maxRecipientsPerCall ?? Number.POSITIVE_INFINITY))
  const server = new Server({
    settings: {
      hostname,
      service,
      tls: certificate === undefined ? 'none' : settings.requireTls ? 'required' : 'offered',
      loginRequired: requiresLogin(access),
      mechanisms: mechanisms(access, hostname),
      plaintextLogin: settings.allowPlaintextAuth,
      smtpUtf8: relay.takesUtf8 === true,
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
      answerMs: Math.max(defaultTimeouts.answerMs, patienceMs + (calls + 1) * settings.upstreamTimeoutMs),
    },
    connectionLimits: { total: settings.maxConnections, perAddress: settings.maxConnectionsPerIp },
    ...(certificate !== undefined && { secureContext: () => certificate.context }),
    ...(proxies !== undefined && { isProxy: address => proxies.has(address) }),
    witness: watch.traffic,
    onBadHeader: (ip, reason) =>
      log.mail({
        type: 'delivery',
        time: new Date(),
        ip,
        from: '',
        to: [],
        error: `No valid PROXY header: ${reason}`,
      }),
    onFault,
  })
  const dials: Dials = {
    connections: () => server.connections,
    receivedBytes: () => server.receivedBytes,
    memory: budget,
    certificateExpiry: certificate && (() => certificate.expiresAt),
  }
  return {
    server,
    relay,
    messageBytes,
    certificate: certificate?.certificate(),
    dials,
    reloadCertificate,
  }
}

/** Such a mail would be refused for now each time that it comes, and its client would never know why. */
function tooLittleMemory(
  { memoryBytes, workers }: Settings,
  messageBytes: number,
  largestBytes: number,
): Error {
  const each = workers > 1 ? ` for each of ${workers} workers` : ''
  return new Error(
    `--memory (${memoryBytes} bytes${each}) cannot hold one mail of the largest size: ${messageBytes} bytes may take ` +
      `${largestBytes} in memory; raise --memory or lower --max-size`,
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

/** How fast mail may be handed on; what stays on this machine or goes nowhere needs no pace. */
function paceOf(
  { relay, sendRate, workers }: Settings,
  { sendRate: ask }: Relay,
  warn: (text: string) => void,
): Pace {
  if (relay === 'maildir' || relay === 'discard') return new Pace()
  const pace = new Pace(typeof sendRate === 'number' ? sendRate : 0)
  if (sendRate === 'auto' && ask !== undefined) {
    // Every worker sends, and has a part of what the account may send.
    followQuota(pace, { ask: async () => (await ask()) / workers, warn })
  }
  return pace
}

/** Two hosts as one: where both decide, the second one is asked if the first one consents. */
function inTurn(first: Partial<Host>, second: Partial<Host>): Partial<Host> {
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
