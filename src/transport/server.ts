import { type AddressInfo, createServer, type Server as NetServer } from 'node:net'
import { format, type Peer, replies } from '../protocol/index.ts'
import { emit } from '../support/emit.ts'
import { ClientSocket } from './client-socket.ts'
import { Connection } from './connection.ts'
import type { RejectReason } from './connection-events.ts'
import { Connections, defaultConnectionLimits, type TrackedConnection } from './connections.ts'
import { peerAddress } from './peer-address.ts'
import { ProxyHandshake } from './proxy-handshake.ts'
import type { ServerOptions } from './server-options.ts'
import { maxTimerMs } from './timeouts.ts'
import { TurnQueue } from './turn-queue.ts'

/** Where to listen. */
export interface Listener {
  /** Host name or IP address. All addresses of the machine if left out. */
  readonly host?: string | undefined
  /** TCP port; 0 takes a free one. */
  readonly port: number
  /** TLS comes before the first byte of SMTP; false if left out. */
  readonly implicitTls?: boolean
}

/**
 * Connections that the kernel holds until they are accepted. It drops further ones silently. Its own limit
 * (`net.core.somaxconn`, usually 4096) applies, too.
 */
const backlog = 4096

/**
 * Rejected connections that stay open until the client has closed its half, or for `lingerMs`. Each takes a file
 * descriptor. Further ones are closed at once.
 */
export const maxLingering = 16
/** If connections take too much memory, some are closed until the others take at most this part of the limit. */
const keptShare = 0.95

/** Milliseconds between two calls of `onOverload`. */
const overloadEveryMs = 60_000

/** The limit that a connection would exceed. */
type Exceeded = Exclude<RejectReason, 'proxyHeader'>

const rejections = {
  connectionLimit: replies.tooManyConnections,
  perIpLimit: replies.tooManyFromAddress,
  memory: replies.overloaded,
} as const satisfies Record<Exceeded, unknown>

/** Accepts connections on any number of addresses, with the same options for all of them. */
export class Server {
  readonly #options: ServerOptions
  readonly #listening = new Set<NetServer>()
  readonly #connections: Connections
  readonly #turns = new TurnQueue()
  /** Rejected connections that are still open. */
  #lingering = 0
  /** Bytes received on connections that are closed. */
  #receivedBytes = 0
  #closed: Promise<void> | undefined
  #shedding = false
  /** Connections that were closed to make room and are not reported to `onOverload` yet. */
  #shedCount = 0
  #overloadTimer: NodeJS.Timeout | undefined
  #onEmpty = () => {}

  constructor(options: ServerOptions) {
    this.#options = options
    this.#connections = new Connections({ ...defaultConnectionLimits, ...options.connectionLimits })
  }

  /** Number of open connections, including those whose PROXY header has not come yet. */
  get connections(): number {
    return this.#connections.size
  }

  /** Bytes that clients have sent since the start, commands and content. Under TLS, decrypted bytes. */
  get receivedBytes(): number {
    let bytes = this.#receivedBytes
    for (const connection of this.#connections) bytes += connection.receivedBytes
    return bytes
  }

  /**
   * Starts to listen, and resolves with the address. Rejects with the error of `node:net`, for example `EADDRINUSE`,
   * and if the server is closed. If it is closed meanwhile, no connection is accepted.
   */
  async listen({ host, port, implicitTls = false }: Listener): Promise<AddressInfo> {
    if (this.#closed !== undefined) throw new Error('the server is closed')
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, accepted =>
      // The address is read from the socket that knows it: the other one would ask for it again, slowly.
      this.#onConnection(new ClientSocket(accepted), peerAddress(accepted), implicitTls),
    )
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, backlog, ...(host === undefined ? {} : { host }) }, () => {
        server.off('error', reject)
        server.on('error', error => this.#options.onError?.(error))
        resolve(server.address() as AddressInfo)
        if (this.#closed === undefined) this.#listening.add(server)
        else server.close()
      })
    })
  }

  /**
   * Stops listening. Closes idle connections with 421, and the others when their message is answered. Resolves when
   * all are closed. A second call returns the same promise.
   * @param graceMs milliseconds after which connections are closed with 421 in the middle of a message
   */
  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs)
    return this.#closed
  }

  async #close(graceMs: number): Promise<void> {
    for (const server of this.#listening) server.close()
    for (const connection of this.#connections) connection.drain()
    if (this.#connections.size === 0) return
    const empty = new Promise<void>(resolve => (this.#onEmpty = resolve))
    const timer = setTimeout(
      () => {
        for (const connection of this.#connections) connection.abort()
      },
      // NaN counts as 0.
      graceMs > 0 ? Math.min(graceMs, maxTimerMs) : 0,
    )
    await empty
    clearTimeout(timer)
  }

  #onConnection(client: ClientSocket, address: string, implicitTls: boolean): void {
    this.#turns.shorten()
    // A client that has disconnected already has no address.
    if (address === '') client.socket.destroy()
    else if (this.#options.isTrustedProxy?.(address)) this.#readProxyHeader(client, address, implicitTls)
    else this.#accept(client, { address }, address, implicitTls)
  }

  /** Reads a load balancer's PROXY header, then accepts the client that it names. */
  #readProxyHeader(client: ClientSocket, proxy: string, implicitTls: boolean): void {
    const { timeouts, onEvent, onProxyError } = this.#options
    const limit = this.#exceededLimit()
    if (limit !== undefined) return this.#reject(client, proxy, limit, implicitTls)
    const handshake = new ProxyHandshake(client, timeouts.proxyHeaderMs, result => {
      if (result.type === 'client') {
        this.#connections.delete(handshake)
        const { address, healthCheck, rest } = result
        // The load balancer's own address is not limited, because many clients come from it.
        return this.#accept(client, { address: address ?? proxy, healthCheck }, address, implicitTls, rest)
      }
      if (result.type === 'rejected') {
        emit(onEvent, { type: 'rejected', address: proxy, reason: 'proxyHeader' })
        onProxyError?.(proxy, result.reason)
      }
      this.#remove(handshake)
      return true
    })
    this.#connections.add(handshake)
  }

  /**
   * Starts a session, or rejects the connection if a limit is reached.
   * @param limitedAddress the address that counts for `perAddress`
   * @param rest the bytes that came after a PROXY header
   * @returns false if no more bytes may come for now
   */
  #accept(
    clientSocket: ClientSocket,
    client: Omit<Peer, 'secure'>,
    limitedAddress: string | undefined,
    implicitTls: boolean,
    rest?: Buffer,
  ): boolean {
    const limit = this.#exceededLimit(limitedAddress)
    if (limit !== undefined) {
      this.#reject(clientSocket, client.address, limit, implicitTls)
      return true
    }
    const onClose = (closed: TrackedConnection) => this.#remove(closed)
    const hooks = { onClose, onMemoryChange: this.#onMemoryChange, turns: this.#turns }
    const connection = new Connection(clientSocket, client, this.#options, hooks)
    this.#connections.add(connection, limitedAddress)
    return connection.start(implicitTls, rest)
  }

  /** Returns the limit that one more connection would exceed. Closes an idle connection if that makes room. */
  #exceededLimit(address?: string): Exceeded | undefined {
    const connections = this.#connections
    const limit = connections.exceededLimit(address)
    if (limit === 'perIpLimit') return limit
    if (this.#freeBytes < 0) return 'memory'
    if (limit === undefined) return undefined
    const idle = connections.longestIdle(performance.now() - this.#options.timeouts.fullIdleMs)
    if (idle === undefined) return limit
    idle.shed()
    this.#countShed(1)
    return undefined
  }

  /** Bytes of memory that connections may still take. Negative if they take too much. */
  get #freeBytes(): number {
    return this.#maxBytes - this.#connections.heldBytes
  }

  get #maxBytes(): number {
    return this.#options.connectionBytes?.() ?? Number.POSITIVE_INFINITY
  }

  readonly #onMemoryChange = (connection: TrackedConnection): void => {
    this.#connections.recount(connection)
    if (this.#freeBytes >= 0 || this.#shedding) return
    this.#shedding = true
    // Later, because a connection cannot be closed from within its own callback.
    setImmediate(() => {
      this.#shedding = false
      this.#shed()
    })
  }

  /** If connections take too much memory together, closes some until a part of it is free again. */
  #shed(): void {
    const connections = this.#connections
    if (this.#freeBytes >= 0) return
    let excess = connections.heldBytes - this.#maxBytes * keptShare
    let closed = 0
    for (const connection of connections.longestIdleFirst()) {
      if (excess <= 0) break
      excess -= connection.heldBytes
      closed++
      connection.shed()
    }
    this.#countShed(closed)
  }

  #countShed(connections: number): void {
    this.#shedCount += connections
    if (this.#shedCount === 0 || this.#overloadTimer !== undefined) return
    this.#options.onOverload?.(this.#shedCount)
    this.#shedCount = 0
    this.#overloadTimer = setTimeout(() => {
      this.#overloadTimer = undefined
      this.#countShed(0)
    }, overloadEveryMs).unref()
  }

  /** Sends 421 and closes, without a session. */
  #reject(client: ClientSocket, address: string, reason: Exceeded, implicitTls: boolean): void {
    const { onEvent, settings, timeouts } = this.#options
    const { hostname } = settings
    const { socket } = client
    const reply = rejections[reason](hostname)
    emit(onEvent, { type: 'rejected', address, reason })
    socket.on('error', () => {})
    // On an implicit TLS port the client cannot read plaintext.
    if (implicitTls) return void socket.destroy()
    const text = format(reply)
    emit(onEvent, { type: 'reply', address, code: reply.code, id: reply.id, text })
    // The kernel takes these few bytes at once, so they are sent although the socket is closed.
    socket.end(text)
    if (this.#lingering >= maxLingering) return void socket.destroy()
    this.#lingering++
    const timer = setTimeout(() => socket.destroy(), timeouts.lingerMs)
    socket.on('close', () => {
      clearTimeout(timer)
      this.#lingering--
    })
  }

  #remove(connection: TrackedConnection): void {
    this.#connections.delete(connection)
    this.#receivedBytes += connection.receivedBytes
    if (this.#connections.size === 0) this.#onEmpty()
  }
}
