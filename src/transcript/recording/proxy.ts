import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext, TLSSocket } from 'node:tls'
import type { RemoteServer } from '../client-connection.ts'
import { Recorder } from './recorder.ts'

/** Settings of a recording proxy. */
export interface ProxySettings {
  /** The server that connections are forwarded to. */
  readonly server: RemoteServer
  /** Certificate for clients that use STARTTLS. Without it, TLS is forwarded and cannot be recorded. */
  readonly certificate: SecureContext | undefined
  readonly keepCredentials: boolean
  /** Called after a connection has ended on both sides. */
  readonly onRecording: (recorder: Recorder) => void
  /** Called if the server cannot be connected to. */
  readonly onError: (message: string) => void
}

/** Concurrent connections. Others are closed. */
const maxConnections = 100
/** A connection without any data for this time is closed. */
const idleMs = 600_000
const handshakeMs = 30_000

/** A server that forwards every connection to another server, and records both sides. */
export interface RecordingProxy {
  readonly server: Server
  /** Closes all connections, each with its recording, and accepts no more. */
  stop(): void
}

/** Creates a proxy that does not listen yet. */
export function recordingProxy(settings: ProxySettings): RecordingProxy {
  const connections = new Set<ProxiedConnection>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    const connection: ProxiedConnection = new ProxiedConnection(client, settings, () =>
      connections.delete(connection),
    )
    connections.add(connection)
  })
  server.maxConnections = maxConnections
  return {
    server,
    stop: () => {
      server.close()
      for (const connection of connections) connection.destroy()
    },
  }
}

/** A client's connection, with its two sockets. */
class ProxiedConnection {
  readonly #settings: ProxySettings
  readonly #recorder: Recorder
  /** The sockets below TLS. */
  readonly #tcpSockets: readonly [Socket, Socket]
  #openSockets = 2
  #failed = false
  #handshakeTimer: NodeJS.Timeout | undefined
  #client: Socket
  #server: Socket

  constructor(client: Socket, settings: ProxySettings, onClose: () => void) {
    const { host, port, connectTimeoutMs } = settings.server
    this.#settings = settings
    this.#recorder = new Recorder({ keepCredentials: settings.keepCredentials, secure: false })
    this.#client = client
    this.#server = connectTcp({ host, port, allowHalfOpen: true, noDelay: true })
    this.#tcpSockets = [client, this.#server]
    const timer = setTimeout(() => this.#server.destroy(new Error('connection timed out')), connectTimeoutMs)
    this.#server.once('connect', () => clearTimeout(timer))
    for (const socket of this.#tcpSockets) {
      socket.once('close', () => {
        clearTimeout(timer)
        this.#close(onClose)
      })
    }
    this.#server.once('error', ({ message }) => settings.onError(message))
    this.#forward()
  }

  /** Closes both sides immediately. */
  destroy(): void {
    for (const socket of [this.#client, this.#server, ...this.#tcpSockets]) socket.destroy()
  }

  /** Forwards bytes in both directions with backpressure, and half-closes too. */
  #forward(): void {
    for (const socket of [this.#client, this.#server]) socket.setTimeout(idleMs, () => this.destroy())
    pump(this.#client, this.#server, {
      data: bytes => this.#recorder.onClientData(bytes),
      end: () => this.#recorder.clientEnds(),
      error: () => this.destroy(),
    })
    pump(this.#server, this.#client, {
      data: bytes => {
        this.#recorder.onServerData(bytes)
        if (this.#recorder.upgrading) this.#upgrade()
      },
      end: () => this.#recorder.serverEnds(),
      error: () => this.destroy(),
    })
  }

  /** Starts TLS on both sides. The server has accepted STARTTLS, and its reply is about to be forwarded. */
  #upgrade(): void {
    const { certificate, server: target } = this.#settings
    if (certificate === undefined) return this.#recorder.stop('TLS follows and was not recorded')
    const [client, server] = [this.#client, this.#server]
    for (const socket of [client, server]) {
      for (const event of ['data', 'end', 'drain', 'error', 'timeout']) socket.removeAllListeners(event)
      socket.setTimeout(0)
      // The TLS sockets report the errors.
      socket.on('error', () => {})
    }
    // The reply itself is written after this call, without TLS, and before anything else is read.
    queueMicrotask(() => {
      this.#client = new TLSSocket(client, { isServer: true, secureContext: certificate })
      this.#server = connectTls({ ...target.tls, host: target.host, socket: server })
      this.#handshakeTimer = setTimeout(() => this.#fail('the handshake timed out'), handshakeMs)
      let waiting = 2
      const up = () => {
        waiting -= 1
        if (waiting > 0) return
        clearTimeout(this.#handshakeTimer)
        this.#recorder.tlsEstablished()
        this.#forward()
      }
      const fail = (side: string) => (error: Error) => {
        if (waiting > 0) this.#fail(`${side}: ${error.message}`)
      }
      this.#client.once('secure', up).on('_tlsError', fail('the client')).on('error', fail('the client'))
      this.#server.once('secureConnect', up).on('error', fail('the server'))
    })
  }

  #fail(reason: string): void {
    if (!this.#failed) this.#recorder.remark(`TLS failed, ${reason}`)
    this.#failed = true
    this.destroy()
  }

  #close(onClose: () => void): void {
    clearTimeout(this.#handshakeTimer)
    this.#openSockets -= 1
    if (this.#openSockets > 0) return this.#destroyWhenWritten()
    onClose()
    this.#recorder.clientEnds()
    this.#settings.onRecording(this.#recorder)
  }

  /** Closes the other side too, after it has received everything that was written. */
  #destroyWhenWritten(): void {
    for (const socket of [this.#client, this.#server]) if (!socket.destroyed) socket.destroySoon()
  }
}

interface PumpHandlers {
  readonly data: (bytes: Buffer) => void
  readonly end: () => void
  readonly error: () => void
}

function pump(from: Socket, to: Socket, handlers: PumpHandlers): void {
  from.on('data', (bytes: Buffer) => {
    handlers.data(bytes)
    if (!to.write(bytes)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => {
    handlers.end()
    to.end()
  })
  from.on('error', handlers.error)
}
