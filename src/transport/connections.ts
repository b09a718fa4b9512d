import { rateLimitKey } from './peer-address.ts'

/** What is known of a connection. */
interface Tracked {
  /** The network that it counts for, if it does. */
  readonly rateLimitKey: string | undefined
  heldBytes: number
}

/** How many connections a server has open at once. */
export interface ConnectionLimits {
  /** In all. Beyond: `421 4.3.2` and close. */
  readonly total: number
  /** From one address, of IPv6 from one /64. Beyond: `421 4.7.0` and close. */
  readonly perAddress: number
}

/** Ten thousand in all, and no limit for one address. */
export const defaultConnectionLimits: ConnectionLimits = {
  total: 10_000,
  perAddress: Number.POSITIVE_INFINITY,
}

/** Bytes of memory that an idle connection takes: sockets and session, and under TLS what OpenSSL and Node.js hold. */
export const idleBytes = { clear: 8 * 1024, tls: 48 * 1024 }

/** A connection as it is counted, and closed when the server closes or has no room. */
export interface TrackedConnection {
  /** What its client has sent so far. */
  readonly receivedBytes: number
  /** Bytes of memory that it takes, estimated. */
  readonly heldBytes: number
  /** When a reply was last sent or content came, in milliseconds of `performance.now`. */
  readonly activeAt: number
  readonly activity: Activity
  /** Ends it as soon as nothing is under way. */
  drain(): void
  /** Ends it now. */
  abort(): void
  /** Ends it now, to make room for others. */
  shed(): void
}

/**
 * What a connection is used for, in the order in which connections are closed when the server has no room. `closing`: the
 * last reply is sent, and the client has not closed its half. `unknown`: the client has neither logged in nor delivered a
 * message. `known`: it has, and no content is coming. `receiving`: content is coming. `delivering`: the host has a whole
 * message; never closed.
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

/** The connections that are open, counted in all and by address. */
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

  /** Bytes of memory that they take together, estimated. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Which limit leaves no room for one more. @param address without it, only the total is looked at */
  exceededLimit(address?: string): 'total' | 'address' | undefined {
    const fromThere = address === undefined ? 0 : (this.#byRateLimitKey.get(rateLimitKey(address)) ?? 0)
    if (fromThere >= this.#limits.perAddress) return 'address'
    return this.#open.size < this.#limits.total ? undefined : 'total'
  }

  /** @param address where it comes from; without it, it counts in the total only */
  add(connection: TrackedConnection, address?: string): void {
    const key = address === undefined ? undefined : rateLimitKey(address)
    const { heldBytes } = connection
    this.#open.set(connection, { rateLimitKey: key, heldBytes })
    this.#heldBytes += heldBytes
    if (key !== undefined) this.#byRateLimitKey.set(key, (this.#byRateLimitKey.get(key) ?? 0) + 1)
  }

  delete(connection: TrackedConnection): void {
    const counted = this.#open.get(connection)
    if (counted === undefined) return
    this.#open.delete(connection)
    this.#heldBytes -= counted.heldBytes
    const { rateLimitKey } = counted
    if (rateLimitKey === undefined) return
    const fromThere = this.#byRateLimitKey.get(rateLimitKey)! - 1
    if (fromThere > 0) this.#byRateLimitKey.set(rateLimitKey, fromThere)
    else this.#byRateLimitKey.delete(rateLimitKey)
  }

  /** Counts what a connection holds now in place of what it held before. */
  recount(connection: TrackedConnection): void {
    const counted = this.#open.get(connection)
    if (counted === undefined) return
    const { heldBytes } = connection
    this.#heldBytes += heldBytes - counted.heldBytes
    counted.heldBytes = heldBytes
  }

  /** Of the connections that were not active since a time, the one that is closed first when the server has no room. */
  longestIdle(time: number): TrackedConnection | undefined {
    let found: Ranked | undefined
    for (const connection of this.#open.keys()) {
      if (connection.activeAt > time) continue
      const other = ranked(connection)
      if (other !== undefined && (found === undefined || byRank(other, found) < 0)) found = other
    }
    return found?.connection
  }

  /** All connections that may be closed when the server has no room, in the order of `Claim` and then of silence. */
  longestIdleFirst(): readonly TrackedConnection[] {
    const all = [...this.#open.keys()].flatMap(connection => ranked(connection) ?? [])
    return all.sort(byRank).map(({ connection }) => connection)
  }

  [Symbol.iterator](): Iterator<TrackedConnection> {
    return this.#open.keys()
  }
}
