import type { Socket } from 'node:net'

/** Connections to the operator's endpoint at once. */
const maxConnections = 128

interface Connection {
  readonly address: string
  /** Its request has come. */
  asked: boolean
}

/**
 * The connections to the operator's endpoint. Beyond the limit a new connection closes an older one: of the address with
 * the most connections, the oldest whose request has not come, or else the oldest. So slow clients cannot keep probes
 * out; an orchestrator restarts a program that does not answer its probes.
 */
export class AdminConnections {
  /** From the oldest to the newest. */
  readonly #open = new Map<Socket, Connection>()

  /** A client has connected. */
  add(socket: Socket): void {
    if (this.#open.size >= maxConnections) this.#close(this.#leastWanted())
    this.#open.set(socket, { address: socket.remoteAddress ?? '', asked: false })
    socket.once('close', () => this.#open.delete(socket))
  }

  /** The request of this connection has come. */
  asked(socket: Socket): void {
    const connection = this.#open.get(socket)
    if (connection !== undefined) connection.asked = true
  }

  #close(socket: Socket): void {
    this.#open.delete(socket)
    socket.destroy()
  }

  #leastWanted(): Socket {
    const counts = new Map<string, number>()
    for (const { address } of this.#open.values()) counts.set(address, (counts.get(address) ?? 0) + 1)
    const most = Math.max(...counts.values())
    const ofThem = [...this.#open].filter(([, { address }]) => counts.get(address) === most)
    const [socket] = ofThem.find(([, { asked }]) => !asked) ?? ofThem[0]!
    return socket
  }
}
