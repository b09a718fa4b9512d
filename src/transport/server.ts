import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net'
import { format, replies } from '../protocol/index.ts'
import { Connection } from './connection.ts'
import { maxConnections } from './limits.ts'
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
  readonly #connections = new Set<Connection>()
  #closed: Promise<void> | undefined
  #onEmpty = () => {}

  constructor(service: Service) {
    this.#service = service
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
    const { settings, timeouts } = this.#service
    if (this.#connections.size >= maxConnections) {
      socket.on('error', () => {})
      const timer = setTimeout(() => socket.destroy(), timeouts.lingerMs)
      socket.on('close', () => clearTimeout(timer))
      socket.resume()
      // Who waits for TLS could not read it.
      socket.end(implicitTls ? '' : format(replies.tooManyConnections(settings.hostname)))
      return
    }
    const connection = new Connection(socket, this.#service, gone => this.#remove(gone))
    this.#connections.add(connection)
    connection.start(implicitTls)
  }

  #remove(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#onEmpty()
  }
}
