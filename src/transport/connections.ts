import { rateLimitKey } from './peer-address.ts'

/** A connection's share of the counts. */
interface Tracked {
  /** The key that it counts for; undefined if it counts in the total only. */
  readonly rateLimitKey: string | undefined
  heldBytes: number
}

/** Limits on open connections. */
export interface ConnectionLimits {
  /** Connections in all. Beyond: `421 4.3.2` and close. Default: 10,000. */
  readonly total: number
  /** Connections from one IPv4 address or one IPv6 /64. Beyond: `421 4.7.0` and close. Default: unlimited. */
  readonly perAddress: number
}

/** Default limits: 10,000 in all, unlimited for one address. */
export const defaultConnectionLimits: ConnectionLimits = {
  total: 10_000,
  perAddress: Number.POSITIVE_INFINITY,
}

/**
 * Bytes of memory that an idle connection takes: socket and session, and under TLS also OpenSSL's and Node.js'
 * buffers.
 */
export const idleBytes = { clear: 8 * 1024, tls: 48 * 1024 }

/** A connection as the server sees it: counted, and closed if the server shuts down or reaches a limit. */
export interface TrackedConnection {
  /** Bytes that its client has sent. */
  readonly receivedBytes: number
  /** Estimated bytes of memory that it takes. */
  readonly heldBytes: number
  /** When a reply was last sent or content last came, in milliseconds of `performance.now`. */
  readonly activeAt: number
  readonly activity: Activity
  /** Closes it as soon as no message is being received. */
  drain(): void
  /** Closes it now. */
  abort(): void
  /** Closes it now, to make room for others. */
  shed(): void
}

/**
 * What a connection is doing, in the order in which connections are closed to make room. `closing`: the last reply is
 * sent, and the client has not closed its half. `unknown`: the client has neither logged in nor delivered a message.
 * `known`: it has, and no content is coming. `receiving`: content is coming. `delivering`: the host has a whole
 * message; such a connection is never closed.
 */
export type Activity = 'closing' | 'unknown' | 'known' | 'receiving' | 'delivering'

const order: readonly Activity[] = ['closing', 'unknown', 'known', 'receiving']

interface Ranked {
  readonly connection: TrackedConnection
  readonly rank: number
  readonly activeAt: number
}

function ranked(connection: TrackedConnection): Ranked | undefined {
  const rank = order.indexOf(connection.activity)
  return rank < 0 ? undefined : { connection, rank, activeAt: connection.activeAt }
}

function byRank(one: Ranked, other: Ranked): number {
  return one.rank - other.rank || one.activeAt - other.activeAt
}

/** The open connections, counted in all and by address, and the memory that they take. */
export class Connections {
  readonly #limits: ConnectionLimits
  readonly #open = new Map<TrackedConnection, Tracked>()
  #heldBytes = 0
  readonly #byRateLimitKey = new Map<string, number>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#open.size
  }

  /** Estimated bytes of memory that they take together. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Returns the limit that one more connection would exceed. @param address without it, only the total is checked */
  exceededLimit(address?: string): 'connectionLimit' | 'perIpLimit' | undefined {
    const count = address === undefined ? 0 : (this.#byRateLimitKey.get(rateLimitKey(address)) ?? 0)
    if (count >= this.#limits.perAddress) return 'perIpLimit'
    return this.#open.size < this.#limits.total ? undefined : 'connectionLimit'
  }

  /** @param address the client's; without it, the connection counts in the total only */
  add(connection: TrackedConnection, address?: string): void {
    const key = address === undefined ? undefined : rateLimitKey(address)
    const { heldBytes } = connection
    this.#open.set(connection, { rateLimitKey: key, heldBytes })
    this.#heldBytes += heldBytes
    if (key !== undefined) this.#byRateLimitKey.set(key, (this.#byRateLimitKey.get(key) ?? 0) + 1)
  }

  delete(connection: TrackedConnection): void {
    const tracked = this.#open.get(connection)
    if (tracked === undefined) return
    this.#open.delete(connection)
    this.#heldBytes -= tracked.heldBytes
    const { rateLimitKey: key } = tracked
    if (key === undefined) return
    const count = this.#byRateLimitKey.get(key)! - 1
    if (count > 0) this.#byRateLimitKey.set(key, count)
    else this.#byRateLimitKey.delete(key)
  }

  /** Updates the memory that a connection takes. */
  recount(connection: TrackedConnection): void {
    const tracked = this.#open.get(connection)
    if (tracked === undefined) return
    const { heldBytes } = connection
    this.#heldBytes += heldBytes - tracked.heldBytes
    tracked.heldBytes = heldBytes
  }

  /** Returns the connection to close first, of those that were not active since `time`. */
  longestIdle(time: number): TrackedConnection | undefined {
    let found: Ranked | undefined
    for (const connection of this.#open.keys()) {
      if (connection.activeAt > time) continue
      const other = ranked(connection)
      if (other !== undefined && (found === undefined || byRank(other, found) < 0)) found = other
    }
    return found?.connection
  }

  /** Returns all connections that may be closed, in the order of `Activity`, and then the longest idle first. */
  longestIdleFirst(): readonly TrackedConnection[] {
    const all = [...this.#open.keys()].flatMap(connection => ranked(connection) ?? [])
    return all.sort(byRank).map(({ connection }) => connection)
  }

  [Symbol.iterator](): Iterator<TrackedConnection> {
    return this.#open.keys()
  }
}
