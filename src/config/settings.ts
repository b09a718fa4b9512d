import { availableParallelism, hostname } from 'node:os'
import type { AccessPolicy, AddressList } from '../auth/index.ts'
import type { Values } from './option.ts'
import { type ListenAddress, maxWorkers } from './value-types.ts'

/** Everything that an operator may settle. It holds secrets: never print it. */
export interface Settings {
  /** Never empty. With `--tls-only` each has implicit TLS. */
  readonly listen: readonly ListenAddress[]
  /** The SMTP service name. */
  readonly service: string
  /** The name of the server in its greeting, in EHLO, in `Received` and in the challenge of CRAM-MD5. */
  readonly hostname: string
  /** The certificate that clients are shown; without one there is no TLS. */
  readonly tls: TlsFiles | undefined
  /** TLS is required before AUTH and MAIL. */
  readonly requireTls: boolean
  /** Where mail goes. */
  readonly relay: Values['relay']
  /** Where the relay `maildir` writes. */
  readonly maildirPath: string
  /** Addresses and the one user. The users of the file are not in it. */
  readonly access: Pick<AccessPolicy, 'addresses' | 'user'>
  /** Where more users are. */
  readonly usersFile: string | undefined
  /** Offer LOGIN and PLAIN also where there is no TLS. */
  readonly allowPlaintextAuth: boolean
  /** Who may send, and to whom, as expressions. */
  readonly filters: Filters
  /** Of Amazon SES, by its name. */
  readonly configurationSet: string | undefined
  /** ARN of an identity of another account that allows this one to send. */
  readonly sourceArn: string | undefined
  /** The same for the `From` header; the source ARN if left out. */
  readonly fromArn: string | undefined
  /** The same for the return path; the source ARN if left out. */
  readonly returnPathArn: string | undefined
  /** SES message tags, name to value. */
  readonly tags: Readonly<Record<string, string>> | undefined
  /** There is one where the relay is `pinpoint`. */
  readonly pinpointApplicationId: string | undefined
  /** HTTP connections to AWS, and so calls at once. */
  readonly upstreamConnections: number
  /** How long one call to AWS may take. */
  readonly upstreamTimeoutMs: number
  /** Recipients per second; `auto`: what the quota of the account says; `undefined`: no limit. */
  readonly sendRate: number | 'auto' | undefined
  /** As much as the relay takes, if left out. */
  readonly maxMessageBytes: number | undefined
  /** Recipients of one message. */
  readonly maxRecipients: number
  /** Connections at once; those beyond hear 421. */
  readonly maxConnections: number
  /** `Infinity`: no limit. */
  readonly maxConnectionsPerIp: number
  /** Silence of a client after which its connection is closed. */
  readonly idleTimeoutMs: number
  /** How long the content of one message may take to come in. */
  readonly dataTimeoutMs: number
  /** Content of messages that is held at once, all connections together. */
  readonly messageMemoryBytes: number
  /** How long a message may wait for memory, and then for the send rate and for new tries upstream. */
  readonly maxWaitMs: number
  /** Load balancers, whose connections begin with a PROXY header. */
  readonly trustedProxies: AddressList | undefined
  /** A CR or LF on its own in a message: made a CRLF, or a reason to refuse the message. */
  readonly bareNewline: Values['bare-newline']
  /** Leave clients that talk before the greeting, or go on where they have to wait for a reply. */
  readonly strictPipelining: boolean
  /** How lines of the log look; `auto`: text on a terminal, JSON elsewhere. */
  readonly logFormat: Values['log-format']
  /** Processes that serve. */
  readonly workers: number
  /** Where health and metrics are served. */
  readonly admin: ListenAddress | undefined
  /** Log what the log leaves out otherwise. */
  readonly verbose: boolean
  readonly drainTimeoutMs: number
  /** What works, but perhaps not as it was meant: a line each for the operator, without a secret. */
  readonly warnings: readonly string[]
}

/** The settings before they are looked over. */
export type ResolvedSettings = Omit<Settings, 'warnings'>

/** PEM files of the server's certificate. */
export interface TlsFiles {
  readonly certPath: string
  readonly keyPath: string
  readonly passphrase?: string | undefined
}

/** Regular expressions of addresses as they were written; they have the syntax of RE2, and may be malformed. */
export interface Filters {
  readonly allowFrom?: string | undefined
  readonly denyTo?: string | undefined
  readonly allowTo?: string | undefined
}

/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The settings that the values of the options and the secrets of the environment make. */
export function resolveSettings(values: Values, env: Environment): ResolvedSettings {
  const workers = values.workers === 'auto' ? workersThatFit(values) : values.workers
  const { 'tls-cert': certPath, 'tls-key': keyPath, user } = values
  return {
    listen: values.listen.map(address => (values['tls-only'] ? { ...address, implicitTls: true } : address)),
    service: values.name,
    hostname: values.hostname ?? (hostname() || 'localhost'),
    tls:
      certPath === undefined || keyPath === undefined
        ? undefined
        : { certPath, keyPath, passphrase: env.TLS_KEY_PASS || undefined },
    requireTls: values['require-starttls'],
    relay: values.relay,
    maildirPath: values.maildir,
    access: {
      ...(values['allow-ips'] && { addresses: values['allow-ips'] }),
      ...(user !== undefined && {
        user: { name: user, bcryptHash: env.BCRYPT_HASH || undefined, password: env.PASSWORD || undefined },
      }),
    },
    usersFile: values['users-file'],
    allowPlaintextAuth: values['allow-plaintext-auth'],
    filters: {
      allowFrom: values['allow-from'],
      denyTo: values['deny-to'],
      allowTo: values['allow-to'],
    },
    configurationSet: values['configuration-set'],
    sourceArn: values['source-arn'],
    fromArn: values['from-arn'],
    returnPathArn: values['return-path-arn'],
    tags: values.tags,
    pinpointApplicationId: values['pinpoint-application-id'],
    upstreamConnections: values['upstream-connections'],
    upstreamTimeoutMs: values['upstream-timeout'],
    sendRate: values['send-rate'],
    maxMessageBytes: values['max-size'],
    maxRecipients: values['max-recipients'],
    maxConnections: values['max-connections'],
    maxConnectionsPerIp: values['max-connections-per-ip'] || Number.POSITIVE_INFINITY,
    idleTimeoutMs: values['idle-timeout'],
    dataTimeoutMs: values['data-timeout'],
    messageMemoryBytes: values['message-memory'] ?? memoryPerWorkerBytes * workers,
    maxWaitMs: values['max-wait'],
    trustedProxies: values['proxy-protocol'],
    bareNewline: values['bare-newline'],
    strictPipelining: values['strict-pipelining'],
    logFormat: values['log-format'],
    workers,
    admin: values.admin,
    verbose: values.verbose,
    drainTimeoutMs: values['drain-timeout'],
  }
}

const memoryPerWorkerBytes = 256 * 1024 * 1024

/** One for each CPU, as long as there is something for each of them in what they divide. */
function workersThatFit(values: Values): number {
  return Math.min(
    availableParallelism(),
    maxWorkers,
    values['upstream-connections'],
    values['max-connections'],
  )
}
