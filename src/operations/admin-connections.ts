import type { Socket } from 'node:net'

/** Connections to the admin endpoint at once. */
const maxConnections = 128

interface AdminConnection {
  readonly address: string
  /** Its request has arrived. */
  hasRequest: boolean
}

/**
 * The open connections to the admin endpoint. If the limit is reached, a new connection closes an older one: of the
 * address with the most connections, the oldest one whose request has not arrived, or otherwise the oldest one. So slow
 * clients cannot keep out probes; an orchestrator restarts a program that does not answer its probes.
 */
export class AdminConnections {
  /** From the oldest to the newest. */
  readonly #open = new Map<Socket, AdminConnection>()

  /** A client has connected. */
  add(socket: Socket): void {
    if (this.#open.size >= maxConnections) this.#close(this.#leastImportant())
    this.#open.set(socket, { address: socket.remoteAddress ?? '', hasRequest: false })
    socket.once('close', () => this.#open.delete(socket))
  }

  /** The request of this connection has arrived. */
  requested(socket: Socket): void {
    const connection = this.#open.get(socket)
    if (connection !== undefined) connection.hasRequest = true
  }

  #close(socket: Socket): void {
    this.#open.delete(socket)
    socket.destroy()
  }

  #leastImportant(): Socket {
    const counts = new Map<string, number>()
    for (const { address } of this.#open.values()) counts.set(address, (counts.get(address) ?? 0) + 1)
    const max = Math.max(...counts.values())
    const candidates = [...this.#open].filter(([, { address }]) => counts.get(address) === max)
    const [socket] = candidates.find(([, { hasRequest }]) => !hasRequest) ?? candidates[0]!
    return socket
  }
}
