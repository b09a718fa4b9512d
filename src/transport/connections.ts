import { networkOf } from './peer-address.ts'

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

/** A connection as it is counted, and sent away when the server closes. */
export interface Open {
  /** What its client has sent so far. */
  readonly receivedBytes: number
  /** Ends it as soon as nothing is under way. */
  shutDown(): void
  /** Ends it now. */
  cutOff(): void
}

/** The connections that are open, counted in all and by address. */
export class Connections {
  readonly #limits: ConnectionLimits
  /** Each with the network that it counts for, if it does. */
  readonly #open = new Map<Open, string | undefined>()
  readonly #byNetwork = new Map<string, number>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#open.size
  }

  /** Which limit leaves no room for one more. @param address without it, only the total is looked at */
  limitMet(address?: string): 'total' | 'address' | undefined {
    if (this.#open.size >= this.#limits.total) return 'total'
    const fromThere = address === undefined ? 0 : (this.#byNetwork.get(networkOf(address)) ?? 0)
    return fromThere < this.#limits.perAddress ? undefined : 'address'
  }

  /** @param address where it comes from; without it, it counts in the total only */
  add(connection: Open, address?: string): void {
    const network = address === undefined ? undefined : networkOf(address)
    this.#open.set(connection, network)
    if (network !== undefined) this.#byNetwork.set(network, (this.#byNetwork.get(network) ?? 0) + 1)
  }

  delete(connection: Open): void {
    const network = this.#open.get(connection)
    if (!this.#open.delete(connection) || network === undefined) return
    const fromThere = this.#byNetwork.get(network)! - 1
    if (fromThere > 0) this.#byNetwork.set(network, fromThere)
    else this.#byNetwork.delete(network)
  }

  [Symbol.iterator](): Iterator<Open> {
    return this.#open.keys()
  }
}
