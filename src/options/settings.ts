import { availableParallelism, hostname } from 'node:os'
import type { Access, AddressList } from '../auth/index.ts'
import { type ListenAddress, mostWorkers } from './kinds.ts'
import type { Values } from './option.ts'

/** Everything that an operator may settle. It holds secrets: never print it. */
export interface Settings {
  /** Never empty. With `--tls-only` each has implicit TLS. */
  readonly listen: readonly ListenAddress[]
  /** The SMTP service name. */
  readonly service: string
  readonly hostname: string
  readonly tls: TlsFiles | undefined
  /** TLS is required before AUTH and MAIL. */
  readonly requireTls: boolean
  readonly relay: Values['relay']
  readonly maildirPath: string
  /** Addresses and the one user. The users of the file are not in it. */
  readonly access: Pick<Access, 'addresses' | 'user'>
  /** Where more users are. */
  readonly usersPath: string | undefined
  /** Offer LOGIN and PLAIN also where there is no TLS. */
  readonly allowPlaintextAuth: boolean
  readonly filters: Filters
  readonly configurationSet: string | undefined
  readonly sourceArn: string | undefined
  readonly fromArn: string | undefined
  readonly returnPathArn: string | undefined
  /** SES message tags, name to value. */
  readonly tags: Readonly<Record<string, string>> | undefined
  /** There is one where the relay is `pinpoint`. */
  readonly pinpointApplicationId: string | undefined
  readonly upstreamConnections: number
  readonly upstreamTimeoutMs: number
  /** Recipients per second; `auto`: what the quota of the account says; `undefined`: no limit. */
  readonly sendRate: number | 'auto' | undefined
  /** As much as the relay takes, if left out. */
  readonly maxMessageBytes: number | undefined
  readonly maxRecipients: number
  readonly maxConnections: number
  /** `Infinity`: no limit. */
  readonly maxConnectionsPerIp: number
  readonly idleTimeoutMs: number
  readonly dataTimeoutMs: number
  /** Content of messages that is held at once, all connections together. */
  readonly memoryBytes: number
  /** How long a message may wait for memory, and then for the send rate and for new tries upstream. */
  readonly patienceMs: number
  /** Load balancers, whose connections begin with a PROXY header. */
  readonly proxies: AddressList | undefined
  readonly bareNewline: Values['bare-newline']
  readonly strictPipelining: boolean
  /** How lines of the log look; `auto`: text on a terminal, JSON elsewhere. */
  readonly log: Values['log']
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
export type Settled = Omit<Settings, 'warnings'>

/** PEM files of the server's certificate. */
interface TlsFiles {
  readonly certPath: string
  readonly keyPath: string
  readonly passphrase: string | undefined
}

/** Regular expressions of addresses as they were written; they have the syntax of RE2, and may be malformed. */
interface Filters {
  readonly allowFrom: string | undefined
  readonly denyTo: string | undefined
  readonly allowTo: string | undefined
}

/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The settings that the values of the options and the secrets of the environment make. */
export function settle(values: Values, env: Environment): Settled {
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
    usersPath: values.users,
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
    memoryBytes: values.memory ?? memoryPerWorkerBytes * workers,
    patienceMs: values.patience,
    proxies: values['proxy-protocol'],
    bareNewline: values['bare-newline'],
    strictPipelining: values['strict-pipelining'],
    log: values.log,
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
    mostWorkers,
    values['upstream-connections'],
    values['max-connections'],
  )
}
