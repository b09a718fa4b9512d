import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext, TLSSocket } from 'node:tls'
import type { Remote } from '../wire.ts'
import { Recorder } from './recorder.ts'

/** What a recording proxy is made of. */
export interface ProxySettings {
  /** The server that clients are to reach. */
  readonly remote: Remote
  /** For the clients' side of STARTTLS; without it what follows is tunnelled unseen. */
  readonly certificate: SecureContext | undefined
  readonly keepCredentials: boolean
  /** Called when a connection is over on both sides. */
  readonly onRecording: (recorder: Recorder) => void
  /** Called where the server cannot be reached. */
  readonly onFault: (message: string) => void
}

/** Connections at once; others are closed. */
const mostConnections = 100
/** Nothing passes for so long: the connection is over. */
const idleMs = 600_000
const handshakeMs = 30_000

/** A server that carries every connection on to another one, and writes down what both sides say. */
export interface RecordingProxy {
  readonly server: Server
  /** Ends all connections, each with its recording, and takes no more. */
  stop(): void
}

/** Makes a proxy that does not listen yet. */
export function recordingProxy(settings: ProxySettings): RecordingProxy {
  const passages = new Set<Passage>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    const passage: Passage = new Passage(client, settings, () => passages.delete(passage))
    passages.add(passage)
  })
  server.maxConnections = mostConnections
  return {
    server,
    stop: () => {
      server.close()
      for (const passage of passages) passage.destroy()
    },
  }
}

/** One connection, with its two sockets. */
class Passage {
  readonly #settings: ProxySettings
  readonly #recorder: Recorder
  /** Below TLS, where that is up. */
  readonly #pipes: readonly [Socket, Socket]
  #open = 2
  #failed = false
  #lateHandshake: NodeJS.Timeout | undefined
  #client: Socket
  #server: Socket

  constructor(client: Socket, settings: ProxySettings, onClose: () => void) {
    const { host, port, connectMs } = settings.remote
    this.#settings = settings
    this.#recorder = new Recorder({ keepCredentials: settings.keepCredentials, secure: false })
    this.#client = client
    this.#server = dial({ host, port, allowHalfOpen: true, noDelay: true })
    this.#pipes = [client, this.#server]
    const late = setTimeout(() => this.#server.destroy(new Error('no connection in time')), connectMs)
    this.#server.once('connect', () => clearTimeout(late))
    for (const socket of this.#pipes) {
      socket.once('close', () => {
        clearTimeout(late)
        this.#close(onClose)
      })
    }
    this.#server.once('error', ({ message }) => settings.onFault(message))
    this.#carry()
  }

  /** Ends both sides at once. */
  destroy(): void {
    for (const socket of [this.#client, this.#server, ...this.#pipes]) socket.destroy()
  }

  /** Carries bytes both ways, as fast as the other side takes them, and half closes too. */
  #carry(): void {
    for (const socket of [this.#client, this.#server]) socket.setTimeout(idleMs, () => this.destroy())
    pump(this.#client, this.#server, {
      data: bytes => this.#recorder.client(bytes),
      end: () => this.#recorder.clientEnds(),
      broken: () => this.destroy(),
    })
    pump(this.#server, this.#client, {
      data: bytes => {
        this.#recorder.server(bytes)
        if (this.#recorder.upgrading) this.#upgrade()
      },
      end: () => this.#recorder.serverEnds(),
      broken: () => this.destroy(),
    })
  }

  /** The server has said yes to STARTTLS, and the client is about to hear it. */
  #upgrade(): void {
    const { certificate, remote } = this.#settings
    if (certificate === undefined) return this.#recorder.stop('TLS follows, which was not recorded')
    const [client, server] = [this.#client, this.#server]
    for (const socket of [client, server]) {
      for (const event of ['data', 'end', 'drain', 'error', 'timeout']) socket.removeAllListeners(event)
      socket.setTimeout(0)
      // The sockets above it tell.
      socket.on('error', () => {})
    }
    // The reply itself is written behind this, in the clear, and before anything else is read.
    queueMicrotask(() => {
      this.#client = new TLSSocket(client, { isServer: true, secureContext: certificate })
      this.#server = connectTls({ ...remote.tls, host: remote.host, socket: server })
      this.#lateHandshake = setTimeout(() => this.#fail('no handshake in time'), handshakeMs)
      let waiting = 2
      const up = () => {
        waiting -= 1
        if (waiting > 0) return
        clearTimeout(this.#lateHandshake)
        this.#recorder.secured()
        this.#carry()
      }
      const fail = (side: string) => (error: Error) => {
        if (waiting > 0) this.#fail(`${side}: ${error.message}`)
      }
      this.#client.once('secure', up).on('_tlsError', fail('the client')).on('error', fail('the client'))
      this.#server.once('secureConnect', up).on('error', fail('the server'))
    })
  }

  #fail(why: string): void {
    if (!this.#failed) this.#recorder.remark(`TLS did not come up, ${why}`)
    this.#failed = true
    this.destroy()
  }

  #close(onClose: () => void): void {
    clearTimeout(this.#lateHandshake)
    this.#open -= 1
    if (this.#open > 0) return this.#destroyWhenWritten()
    onClose()
    this.#recorder.clientEnds()
    this.#settings.onRecording(this.#recorder)
  }

  /** One side is gone: the other gets what was written, and no more. */
  #destroyWhenWritten(): void {
    for (const socket of [this.#client, this.#server]) if (!socket.destroyed) socket.destroySoon()
  }
}

interface Tap {
  readonly data: (bytes: Buffer) => void
  readonly end: () => void
  readonly broken: () => void
}

function pump(from: Socket, to: Socket, tap: Tap): void {
  from.on('data', (bytes: Buffer) => {
    tap.data(bytes)
    if (!to.write(bytes)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => {
    tap.end()
    to.end()
  })
  from.on('error', tap.broken)
}
