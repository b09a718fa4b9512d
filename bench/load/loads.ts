import type { ServerName } from '../servers/servers.ts'

/** A load: clients that send messages as fast as the server accepts them. */
export interface Load {
  readonly title: string
  readonly connections: number
  /** Size of each message. */
  readonly bytes: number
  /** Whether a connection sends many messages or one. */
  readonly connection: 'keep-alive' | 'new'
  /** Time until V8 has compiled most code. Longer if there are few messages per second. */
  readonly warmUpSeconds: number
  /** Servers that are measured with it in a quick run. */
  readonly servers: readonly ServerName[]
  /** Servers that are measured with it only in a full run. */
  readonly extraServers: readonly ServerName[]
}

const discarding = ['floor', 'engine', 'discard', 'smtpServer'] as const

/** All loads. They differ in the message and the connection. Everything else is measured separately. */
export const loads = {
  keepAlive: {
    title: '2 KB, keep-alive',
    connections: 20,
    bytes: 2048,
    connection: 'keep-alive',
    warmUpSeconds: 2,
    servers: [...discarding, 'ses', 'stockSdk'],
    extraServers: ['smtpServerSdk'],
  },
  newConnection: {
    title: '2 KB, new connection each',
    connections: 20,
    bytes: 2048,
    connection: 'new',
    warmUpSeconds: 0.8,
    servers: discarding,
    extraServers: ['ses', 'stockSdk'],
  },
  medium: {
    title: '100 KB',
    connections: 8,
    bytes: 100_000,
    connection: 'keep-alive',
    warmUpSeconds: 1,
    // No target uses it.
    servers: [],
    extraServers: [...discarding, 'ses', 'stockSdk', 'smtpServerSdk'],
  },
  large: {
    title: '9 MB',
    connections: 4,
    bytes: 9_000_000,
    connection: 'keep-alive',
    warmUpSeconds: 1,
    servers: [...discarding, 'ses', 'stockSdk'],
    extraServers: ['smtpServerSdk'],
  },
} as const satisfies Readonly<Record<string, Load>>

/** The key of a load in results. */
export type LoadName = keyof typeof loads
/** All loads, in the order in which they are measured and shown. */
export const loadNames = Object.keys(loads) as readonly LoadName[]
