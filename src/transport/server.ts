import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net'
import { format, type Reply } from '../protocol/index.ts'
import { Connection } from './connection.ts'
import { Connections, defaultConnectionLimits } from './connections.ts'
import { peerAddress } from './peer-address.ts'
import type { Service } from './service.ts'

/** Where to listen. */
export interface Listener {
  /** Name or IP address; every address of the machine when absent. */
  readonly host?: string | undefined
  /** 0 takes a free one. */
  readonly port: number
  /** TLS comes before the first byte of SMTP. */
  readonly implicitTls: boolean
}

/** Accepts connections on any number of addresses and serves each one in the same way. */
export class Server {
  readonly #service: Service
  readonly #listening = new Set<NetServer>()
  readonly #connections: Connections
  #closed: Promise<void> | undefined
  #onEmpty = () => {}

  constructor(service: Service) {
    this.#service = service
    this.#connections = new Connections({ ...defaultConnectionLimits, ...service.connectionLimits })
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#connections.size
  }

  /** Begins to listen; rejects with the error of `node:net`, for example `EADDRINUSE`. */
  listen(listener: Listener): Promise<AddressInfo> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, socket =>
      this.#accept(socket, listener.implicitTls),
    )
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(
        { port: listener.port, ...(listener.host === undefined ? {} : { host: listener.host }) },
        () => {
          server.off('error', reject)
          server.on('error', fault => this.#service.onFault?.(fault))
          this.#listening.add(server)
          resolve(server.address() as AddressInfo)
        },
      )
    })
  }

  /**
   * Stops listening, says 421 to everyone who is not sending a mail, and to the others when their mail is answered.
   * @param graceMs how long the others may take; then they hear 421 in the middle of it
   */
  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs)
    return this.#closed
  }

  async #close(graceMs: number): Promise<void> {
    for (const server of this.#listening) server.close()
    for (const connection of this.#connections) connection.shutDown()
    if (this.#connections.size === 0) return
    const empty = new Promise<void>(resolve => (this.#onEmpty = resolve))
    const timer = setTimeout(() => {
      for (const connection of this.#connections) connection.cutOff()
    }, graceMs)
    await empty
    clearTimeout(timer)
  }

  #accept(socket: Socket, implicitTls: boolean): void {
    const refusal = this.#connections.refusal(peerAddress(socket), this.#service.settings.hostname)
    // Who waits for TLS could not read it.
    if (refusal !== undefined) return this.#turnAway(socket, implicitTls ? undefined : refusal)
    const connection = new Connection(socket, this.#service, gone => this.#remove(gone))
    this.#connections.add(connection)
    connection.start(implicitTls)
  }

  /** Says no and closes, at no more cost than that. */
  #turnAway(socket: Socket, refusal: Reply | undefined): void {
    socket.on('error', () => {})
    const timer = setTimeout(() => socket.destroy(), this.#service.timeouts.lingerMs)
    socket.on('close', () => clearTimeout(timer))
    socket.resume()
    socket.end(refusal === undefined ? '' : format(refusal))
  }

  #remove(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#onEmpty()
  }
}
