import type { AttackName } from '../support/attacks.ts'

/** A kind of attackers, and how their connections must end by the documentation. */
export interface Kind {
  readonly title: string
  readonly attack: AttackName
  /** Relative share of all connections. */
  readonly share: number
  readonly port: 'clear' | 'implicit TLS'
  /** The first three bytes of their addresses. `slow PROXY headers` and `refused addresses` have their own. */
  readonly network?: string
  /** Names of limits in docs/conformance.md. */
  readonly limits: readonly Limit[]
}

/** How a connection ends after each limit in docs/conformance.md. */
const replies = {
  errors: /^421 4\.7\.0 Too many errors, /,
  smallChunks: /^421 4\.7\.0 Too many errors, /,
  refusals: /^421 4\.7\.0 Too many errors, /,
  skippedBytes: /^421 4\.7\.0 Line too long, /,
  idleMs: /^421 4\.4\.2 \S+ timeout exceeded, /,
  messageMs: /^421 4\.4\.2 \S+ timeout exceeded, /,
  memory: /^452 4\.3\.1 /,
  handshakeMs: /^(closed without a reply|ECONNRESET)$/,
  proxyHeaderMs: /^(closed without a reply|ECONNRESET|EPIPE)$/,
  /** The client still writes when the time to close its side ends. */
  lingerMs: /^(ECONNRESET|EPIPE)$/,
  fullIdleMs: /^421 4\.3\.2 \S+ is overloaded, /,
  total: /^421 4\.3\.2 \S+ has too many connections, /,
  http: /^421 4\.7\.0 This is SMTP, not HTTP, /,
  /** The client never reads, so that it cannot report the limit. */
  unread: /^closed, unread$/,
}

export type Limit = keyof typeof replies

/** When the server is full, a connection of any kind may be closed. */
const anyKind: readonly Limit[] = ['fullIdleMs', 'total']

/** Addresses of load balancers. */
export const proxyNetwork = '127.40.0'
/** Addresses that `--allow-ips` does not include. */
export const refusedNetwork = '127.80.0'
export const allowedBlock = '127.0.0.0/10'

export const kinds: readonly Kind[] = [
  { title: 'junk', attack: 'junk', share: 2, port: 'clear', limits: ['errors'] },
  {
    title: 'junk of refused addresses',
    attack: 'junk',
    share: 2,
    port: 'clear',
    network: refusedNetwork,
    limits: ['errors'],
  },
  { title: 'EHLO, replies unread', attack: 'unreadEhlo', share: 1, port: 'clear', limits: ['unread'] },
  {
    title: 'refused RCPT, replies unread',
    attack: 'unreadRecipients',
    share: 1,
    port: 'clear',
    limits: ['unread'],
  },
  { title: 'BDAT 1, replies unread', attack: 'unreadChunks', share: 1, port: 'clear', limits: ['unread'] },
  {
    title: 'long lines of recipients',
    attack: 'paddedRecipients',
    share: 2,
    port: 'clear',
    limits: ['idleMs'],
  },
  {
    title: 'much after a message',
    attack: 'pipelinedAfterMessage',
    share: 2,
    port: 'clear',
    limits: ['errors', 'idleMs'],
  },
  { title: 'unfinished lines', attack: 'unfinishedLine', share: 3, port: 'clear', limits: ['idleMs'] },
  {
    title: 'endless lines',
    attack: 'endlessLine',
    share: 1,
    port: 'clear',
    limits: ['skippedBytes', 'lingerMs'],
  },
  { title: 'slow commands', attack: 'slowCommand', share: 2, port: 'clear', limits: ['idleMs'] },
  {
    title: 'slow content',
    attack: 'slowContent',
    share: 1,
    port: 'clear',
    limits: ['idleMs', 'messageMs', 'memory'],
  },
  {
    title: 'floods of refused RCPT',
    attack: 'floodRecipients',
    share: 1,
    port: 'clear',
    limits: ['refusals', 'lingerMs'],
  },
  {
    title: 'floods of BDAT 1',
    attack: 'floodChunks',
    share: 1,
    port: 'clear',
    limits: ['smallChunks', 'lingerMs'],
  },
  { title: 'silent', attack: 'silent', share: 3, port: 'clear', limits: ['idleMs'] },
  { title: 'HTTP', attack: 'http', share: 1, port: 'clear', limits: ['http'] },
  {
    title: 'idle in TLS',
    attack: 'idleTls',
    share: 3,
    port: 'implicit TLS',
    limits: ['idleMs', 'handshakeMs'],
  },
  {
    title: 'unfinished records of TLS',
    attack: 'unfinishedTlsRecord',
    share: 1,
    port: 'implicit TLS',
    limits: ['idleMs', 'handshakeMs'],
  },
  {
    title: 'unfinished handshakes',
    attack: 'unfinishedHandshake',
    share: 2,
    port: 'implicit TLS',
    limits: ['handshakeMs'],
  },
  {
    title: 'slow PROXY headers',
    attack: 'slowProxyHeader',
    share: 1,
    port: 'clear',
    network: proxyNetwork,
    limits: ['proxyHeaderMs'],
  },
]

/** Returns true if a connection of this kind may end in this way. */
export function isDocumented({ limits }: Kind, outcome: string): boolean {
  return [...limits, ...anyKind].some(limit => replies[limit].test(outcome))
}
