import { type Reply, replies } from '../protocol/index.ts'
import type { Connection } from './connection.ts'

/** How many connections a server has open at once. */
export interface ConnectionLimits {
  /** In all. Beyond: `421 4.3.2` and close. */
  readonly total: number
  /** From one address. Beyond: `421 4.7.0` and close. */
  readonly perAddress: number
}

export const defaultConnectionLimits: ConnectionLimits = {
  total: 10_000,
  perAddress: Number.POSITIVE_INFINITY,
}

/** The connections that are open, counted in all and by address. */
export class Connections {
  readonly #limits: ConnectionLimits
  readonly #open = new Set<Connection>()
  readonly #byAddress = new Map<string, number>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#open.size
  }

  /** Why there is no room for one more from this address. */
  refusal(address: string, hostname: string): Reply | undefined {
    if (this.#open.size >= this.#limits.total) return replies.tooManyConnections(hostname)
    const fromThere = this.#byAddress.get(address) ?? 0
    return fromThere < this.#limits.perAddress ? undefined : replies.tooManyFromAddress(hostname)
  }

  add(connection: Connection): void {
    this.#open.add(connection)
    this.#byAddress.set(connection.address, (this.#byAddress.get(connection.address) ?? 0) + 1)
  }

  delete(connection: Connection): void {
    if (!this.#open.delete(connection)) return
    const fromThere = this.#byAddress.get(connection.address)! - 1
    if (fromThere > 0) this.#byAddress.set(connection.address, fromThere)
    else this.#byAddress.delete(connection.address)
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#open[Symbol.iterator]()
  }
}
