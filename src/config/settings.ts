import { availableParallelism, hostname } from 'node:os'
import type { AccessPolicy, AddressList } from '../auth/index.ts'
import type { ListenAddress } from './listen-address.ts'
import type { Values } from './option.ts'
import { maxWorkers } from './value-types.ts'

/** All settings of the program. They contain secrets: never print them. */
export interface Settings {
  /** Never empty. With `--tls-only` each has implicit TLS. */
  readonly listen: readonly ListenAddress[]
  /** The SMTP service name, in the greeting and in `Received`. */
  readonly service: string
  /** The hostname of the server: in its greeting, EHLO, `Received` and the challenge of CRAM-MD5. */
  readonly hostname: string
  /** The certificate of the server. Without one there is no TLS. */
  readonly tls: TlsFiles | undefined
  /** TLS is required before AUTH and MAIL. */
  readonly requireTls: boolean
  /** The backend. */
  readonly relay: Values['relay']
  /** The directory of the backend `maildir`. */
  readonly maildirPath: string
  /** The allowed client addresses, and the user of `--user`. The users of the file are not in it. */
  readonly access: Pick<AccessPolicy, 'addresses' | 'user'>
  /** The path of the file with more users. */
  readonly usersFile: string | undefined
  /** Offer AUTH LOGIN and PLAIN without TLS, too. */
  readonly allowPlaintextAuth: boolean
  /** Which senders and recipients are allowed. */
  readonly filters: Filters
  /** The name of an SES configuration set. */
  readonly configurationSet: string | undefined
  /** The ARN of an identity in another account that lets this account send. */
  readonly sourceArn: string | undefined
  /** The same for the `From` header. The default is the source ARN. */
  readonly fromArn: string | undefined
  /** The same for the return path. The default is the source ARN. */
  readonly returnPathArn: string | undefined
  /** SES message tags, name to value. */
  readonly tags: Readonly<Record<string, string>> | undefined
  /** Never `undefined` if the backend is `pinpoint`. */
  readonly pinpointApplicationId: string | undefined
  /** The maximum of HTTP connections to AWS, and so of calls at once. */
  readonly upstreamConnections: number
  /** The longest time that one call to AWS may take. */
  readonly upstreamTimeoutMs: number
  /** Recipients per second. `auto`: the quota of the account. `undefined`: no limit. */
  readonly sendRate: number | 'auto' | undefined
  /** The largest message. The default is the limit of the backend. */
  readonly maxMessageBytes: number | undefined
  /** The maximum of recipients of one message. */
  readonly maxRecipients: number
  /** The maximum of connections at once. Clients beyond it get 421. */
  readonly maxConnections: number
  /** The same for one client address. `Infinity`: no limit. */
  readonly maxConnectionsPerIp: number
  /** The time without data from a client after which its connection is closed. */
  readonly idleTimeoutMs: number
  /** The longest time that a client may take to send the content of one message. */
  readonly dataTimeoutMs: number
  /** The maximum of memory for the content of messages, all connections together. */
  readonly messageMemoryBytes: number
  /** The longest time that a message waits for memory, the send rate and retries. */
  readonly maxWaitMs: number
  /** The load balancers, whose connections begin with a PROXY header. */
  readonly trustedProxies: AddressList | undefined
  /** What to do with a bare CR or LF in a message: make it CRLF, or reject the message. */
  readonly bareNewline: Values['bare-newline']
  /** Disconnect clients that send data before the greeting, or without waiting for a required reply. */
  readonly strictPipelining: boolean
  /** The format of the log. `auto`: text on a terminal, JSON elsewhere. */
  readonly logFormat: Values['log-format']
  /** The number of processes that serve clients. */
  readonly workers: number
  /** The address that serves health and metrics. */
  readonly admin: ListenAddress | undefined
  /** Log connections, TLS, authentication and every refusal, too. */
  readonly verbose: boolean
  /** The longest time that running transactions may take when the program is told to stop. */
  readonly drainTimeoutMs: number
  /** What works, but perhaps not as intended: one line each for the operator, without a secret. */
  readonly warnings: readonly string[]
}

/** The settings before they are validated. */
export type ResolvedSettings = Omit<Settings, 'warnings'>

/** PEM files of the server's certificate. */
export interface TlsFiles {
  readonly certPath: string
  readonly keyPath: string
  readonly passphrase?: string | undefined
}

/**
 * Regular expressions of addresses, as they were written. They have the syntax of RE2, and may be malformed.
 */
export interface Filters {
  readonly allowFrom?: string | undefined
  readonly denyTo?: string | undefined
  readonly allowTo?: string | undefined
}

/** Values that no command line may contain, because every user of the machine can see it. */
export interface Secrets {
  /** The bcrypt hash of the password of `--user`. */
  readonly bcryptHash?: string | undefined
  /** The password of `--user`. */
  readonly password?: string | undefined
  /** The passphrase of the TLS key file. */
  readonly keyPassphrase?: string | undefined
}

/** Turns the values of all options and the secrets into settings. */
export function resolveSettings(values: Values, secrets: Secrets): ResolvedSettings {
  const workers = values.workers === 'auto' ? autoWorkers(values) : values.workers
  const { 'tls-cert': certPath, 'tls-key': keyPath, user } = values
  return {
    listen: values.listen.map(address => (values['tls-only'] ? { ...address, implicitTls: true } : address)),
    service: values.name,
    hostname: values.hostname ?? (hostname() || 'localhost'),
    tls:
      certPath === undefined || keyPath === undefined
        ? undefined
        : { certPath, keyPath, passphrase: secrets.keyPassphrase },
    requireTls: values['require-starttls'],
    relay: values.relay,
    maildirPath: values.maildir,
    access: {
      ...(values['allow-ips'] && { addresses: values['allow-ips'] }),
      ...(user !== undefined && {
        user: { name: user, bcryptHash: secrets.bcryptHash, password: secrets.password },
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
    maxConnectionsPerIp: values['max-connections-per-ip'],
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

/** The default of `--message-memory`. */
const memoryPerWorkerBytes = 256 * 1024 * 1024

/** One worker per CPU, but no more than there are connections for them to divide. */
function autoWorkers(values: Values): number {
  return Math.min(
    availableParallelism(),
    maxWorkers,
    values['upstream-connections'],
    values['max-connections'],
  )
}
