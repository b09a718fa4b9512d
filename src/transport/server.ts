import { type AddressInfo, createServer, type Server as NetServer } from 'node:net'
import { format, type Peer, replies } from '../protocol/index.ts'
import { emit } from '../support/emit.ts'
import { ClientSocket } from './client-socket.ts'
import { Connection } from './connection.ts'
import type { RejectReason } from './connection-events.ts'
import { ConnectionObserver, ReplyClassifier } from './connection-observer.ts'
import { Connections, defaultConnectionLimits, type TrackedConnection } from './connections.ts'
import { peerAddress } from './peer-address.ts'
import { ProxyHandshake } from './proxy-handshake.ts'
import type { ServerOptions } from './server-options.ts'
import { maxTimerMs } from './timeouts.ts'
import { TurnQueue } from './turn-queue.ts'

/** Where to listen. */
export interface Listener {
  /** Name or IP address; every address of the machine when absent. */
  readonly host?: string | undefined
  /** 0 takes a free one. */
  readonly port: number
  /** TLS comes before the first byte of SMTP; not so if left out. */
  readonly implicitTls?: boolean
}

/**
 * Connections that the kernel holds until they are accepted. Beyond it, it drops them without a word to either side;
 * it takes at most as many as its own limit (`net.core.somaxconn`, usually 4096).
 */
const backlog = 4096

/**
 * Connections that were turned away and stay open until the client has closed its half, or for `lingerMs`; each takes a
 * file descriptor. Those beyond are closed at once.
 */
export const maxLingering = 16
/** When connections take too much memory, some are closed until the others take at most this part of what they may. */
const keptShare = 0.95

/** Milliseconds between two calls of `onOverload`. */
const overloadEveryMs = 60_000

/** The limit that leaves no room for a connection. */
type Exceeded = Exclude<RejectReason, 'proxyHeader'>

const rejections = {
  total: replies.tooManyConnections,
  address: replies.tooManyFromAddress,
  memory: replies.overloaded,
}

/** Accepts connections on any number of addresses and serves each one in the same way. */
export class Server {
  readonly #options: ServerOptions
  readonly #listening = new Set<NetServer>()
  readonly #connections: Connections
  readonly #turns = new TurnQueue()
  /** Absent where nobody watches. */
  readonly #classifier: ReplyClassifier | undefined
  /** Connections that were turned away and are still open. */
  #lingering = 0
  /** Of connections that are gone. */
  #receivedBytes = 0
  #closed: Promise<void> | undefined
  #shedding = false
  /** Connections that were closed to make room and are not reported to `onOverload` yet. */
  #shedCount = 0
  #overloadTimer: NodeJS.Timeout | undefined
  #onEmpty = () => {}

  constructor(service: ServerOptions) {
    this.#options = service
    this.#connections = new Connections({ ...defaultConnectionLimits, ...service.connectionLimits })
    const { onEvent, settings } = service
    if (onEvent !== undefined) this.#classifier = new ReplyClassifier(onEvent, settings)
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#connections.size
  }

  /** What clients have sent since the start, commands and content, in bytes; under TLS what was in it. */
  get receivedBytes(): number {
    let bytes = this.#receivedBytes
    for (const connection of this.#connections) bytes += connection.receivedBytes
    return bytes
  }

  /**
   * Begins to listen; rejects with the error of `node:net`, for example `EADDRINUSE`, and where the server is closed.
   * If it is closed meanwhile, nobody is accepted any more.
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
        server.on('error', fault => this.#options.onError?.(fault))
        resolve(server.address() as AddressInfo)
        if (this.#closed === undefined) this.#listening.add(server)
        else server.close()
      })
    })
  }

  /**
   * Stops listening, says 421 to everyone who is not sending a mail, and to the others when their mail is answered.
   * Called again, it is the same closing.
   * @param graceMs how long the others may take; then they hear 421 in the middle of it
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
      // What is no number is no time.
      graceMs > 0 ? Math.min(graceMs, maxTimerMs) : 0,
    )
    await empty
    clearTimeout(timer)
  }

  #onConnection(client: ClientSocket, address: string, implicitTls: boolean): void {
    this.#turns.shorten()
    // Who is gone already has none, and left before anything could be said.
    if (address === '') client.socket.destroy()
    else if (this.#options.isTrustedProxy?.(address)) this.#readProxyHeader(client, address, implicitTls)
    else this.#accept(client, { address }, address, implicitTls)
  }

  /** Admits the client that a load balancer speaks for. */
  #readProxyHeader(client: ClientSocket, proxy: string, implicitTls: boolean): void {
    const { timeouts, onEvent, onProxyError } = this.#options
    const limit = this.#exceededLimit()
    if (limit !== undefined) return this.#reject(client, proxy, limit, implicitTls)
    const introduction = new ProxyHandshake(client, timeouts.proxyHeaderMs, introduced => {
      if (introduced.type === 'client') {
        this.#connections.delete(introduction)
        const { address, healthCheck, rest } = introduced
        // All its clients come through one balancer, so that its own address is not limited.
        return this.#accept(client, { address: address ?? proxy, healthCheck }, address, implicitTls, rest)
      }
      if (introduced.type === 'refused') {
        emit(onEvent, { type: 'turnedAway', address: proxy, reason: 'proxyHeader' })
        onProxyError?.(proxy, introduced.reason)
      }
      this.#remove(introduction)
      return true
    })
    this.#connections.add(introduction)
  }

  /**
   * Serves a client if there is room for it.
   * @param counted the address that its connections are limited by
   * @param rest what it has said after a PROXY header
   * @returns false when no more bytes may come for now
   */
  #accept(
    clientSocket: ClientSocket,
    client: Omit<Peer, 'secure'>,
    counted: string | undefined,
    implicitTls: boolean,
    rest?: Buffer,
  ): boolean {
    const limit = this.#exceededLimit(counted)
    if (limit !== undefined) {
      this.#reject(clientSocket, client.address, limit, implicitTls)
      return true
    }
    const observer = this.#classifier && new ConnectionObserver(this.#classifier, client.address, implicitTls)
    const onClose = (gone: TrackedConnection) => this.#remove(gone)
    const hooks = { onClose, onMemoryChange: this.#onMemoryChange, turns: this.#turns, observer }
    const connection = new Connection(clientSocket, client, this.#options, hooks)
    this.#connections.add(connection, counted)
    return connection.start(implicitTls, rest)
  }

  /** Returns the limit that leaves no room for one more connection. Closes an idle one if that makes room. */
  #exceededLimit(address?: string): Exceeded | undefined {
    const connections = this.#connections
    const limit = connections.exceededLimit(address)
    if (limit === 'address') return limit
    if (this.#freeBytes < 0) return 'memory'
    if (limit === undefined) return undefined
    const idlest = connections.longestIdle(performance.now() - this.#options.timeouts.fullIdleMs)
    if (idlest === undefined) return limit
    idlest.shed()
    this.#countShed(1)
    return undefined
  }

  /** Bytes of memory that connections may still take; negative if they take too much. */
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
    // Later, because a connection that is in the middle of its work cannot be closed.
    setImmediate(() => {
      this.#shedding = false
      this.#shed()
    })
  }

  /** Closes connections when together they take more memory than they may, until a part of it is free again. */
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

  /** Says no and closes, at no more cost than that. */
  #reject(client: ClientSocket, address: string, reason: Exceeded, implicitTls: boolean): void {
    const { onEvent, settings, timeouts } = this.#options
    const { hostname } = settings
    const { socket } = client
    const refusal = rejections[reason](hostname)
    emit(onEvent, { type: 'turnedAway', address, reason })
    socket.on('error', () => {})
    // A client that waits for TLS could not read it.
    if (implicitTls) return void socket.destroy()
    const text = format(refusal)
    emit(onEvent, { type: 'replied', address, code: refusal.code, text, limit: undefined })
    // The kernel takes these few bytes at once, so that they go out although the socket is closed.
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
